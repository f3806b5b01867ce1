// Notes of errands, signed. Whoever of ours reads one sends what stands in it, errbacks and what they lead to, to queues where
// messages are signed: so it must not believe what anybody could have written there. The signature covers the text and the
// chord that it belongs to; the ids of its tasks are not covered, as their results are not.
//
//   hmac-sha256 <mac> <text> · auth <what Celery's `auth` serializer makes of it>
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ChordKey, Errand } from '../publication.js'
import type { Auth } from './auth.js'

type Seal = (text: string, chord: ChordKey) => string

/** Four words, and not three, as the body of a message has. */
const said = ({ groupId, bodyId }: ChordKey, text: string): string =>
  JSON.stringify(['lovage.note', groupId, bodyId, text])

const macOf = (text: string, chord: ChordKey, key: string): Buffer =>
  createHmac('sha256', key).update(said(chord, text)).digest()

export class Notes {
  readonly #seal: Seal | undefined

  /** By the first key, where there is one; any of them may have signed what is read. */
  constructor(
    private readonly keys: readonly string[],
    private readonly auth: Auth | undefined,
  ) {
    const [key] = keys
    if (key !== undefined)
      this.#seal = (text, chord) => `hmac-sha256 ${macOf(text, chord, key).toString('base64')} ${text}`
    else if (auth?.canSign === true) this.#seal = (text, chord) => `auth ${auth.seal(said(chord, text))}`
  }

  /** As others believe them; none where nobody here can sign. */
  seal(errands: readonly Errand[]): readonly Errand[] {
    const seal = this.#seal
    if (seal === undefined) return []
    // Those of a header share a text, and so a signature.
    const sealed = new Map<string, string>()
    return errands.map((errand) => {
      const name = said(errand, errand.text)
      const text = sealed.get(name) ?? seal(errand.text, errand)
      sealed.set(name, text)
      return { ...errand, text }
    })
  }

  /** The text; undefined where nobody has signed it whom we trust: it is left to those who do. */
  open(note: string, chord: ChordKey): string | undefined {
    const [, mac, text] = /^hmac-sha256 ([\w+/=]+) (.*)$/s.exec(note) ?? []
    if (mac !== undefined && text !== undefined)
      return this.isByKey(Buffer.from(mac, 'base64'), text, chord) ? text : undefined
    if (!note.startsWith('auth ') || this.auth === undefined) return undefined
    try {
      const whole = this.auth.open(note.slice('auth '.length))
      const [, , , inner] = JSON.parse(whole) as readonly unknown[]
      return typeof inner === 'string' && whole === said(chord, inner) ? inner : undefined
    } catch {
      return undefined
    }
  }

  private isByKey(mac: Buffer, text: string, chord: ChordKey): boolean {
    return this.keys.some((key) => {
      const expected = macOf(text, chord, key)
      return mac.length === expected.length && timingSafeEqual(mac, expected)
    })
  }
}
