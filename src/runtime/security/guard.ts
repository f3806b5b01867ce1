// Which messages must be signed, and how: what a sender does to them, and what a worker asks of them.
import type { Settings } from '../../config.js'
import { ImproperlyConfigured, SecurityError } from '../../errors.js'
import { signedType } from '../content.js'
import { askedOf } from './asked.js'
import { Auth } from './auth.js'
import { readCertificate, readKey, readStore } from './certificates.js'
import { checkEnvelope, signEnvelope } from './hmac.js'
import { Notes } from './notes.js'

/** What a sender does to one message. */
export interface Seal {
  /** To the text of its body, and the content type that it has then. */
  readonly body?: { readonly contentType: string; readonly seal: (text: string) => string }
  /** To the whole envelope. */
  readonly envelope?: (envelope: string, nowMs: number) => string
}

/** What a worker asks of one message. Both throw SecurityError. */
export interface Guard {
  /** Nothing is asked, or what is asked was found to be right. Before that not even its id is believed. */
  readonly passed: boolean
  readonly check: (raw: Buffer) => void
  readonly open: (contentType: unknown, text: string) => string
}

export class Guards {
  readonly #settings: Settings
  #auth: Auth | undefined
  /** What lies beside messages, and leads to some. */
  readonly notes: Notes

  private constructor(settings: Settings) {
    this.#settings = settings
    if (this.#usesAuth()) this.#auth = makeAuth(settings)
    const signed = [...settings.taskQueues.values()].filter(({ signed: how }) => how === 'hmac')
    if (signed.length > 0 && settings.securityHmacKey.length === 0)
      throw new ImproperlyConfigured(
        `taskQueues.${signed[0]?.name}.signed is "hmac", but there is no key: set securityHmacKey.`,
      )
    this.notes = new Notes(settings.securityHmacKey, this.#auth)
  }

  /** Undefined where nothing is signed: then nothing is asked. Throws ImproperlyConfigured. */
  static of(settings: Settings): Guards | undefined {
    const guards = new Guards(settings)
    const isAsked = [...settings.taskQueues.values()].some(({ signed }) => signed !== undefined)
    return isAsked || guards.#auth !== undefined ? guards : undefined
  }

  /** For a message to these queues. */
  seal(queues: readonly string[], serializer: string | undefined): Seal | undefined {
    const asked = queues.map((queue) => askedOf(queue, this.#settings.taskQueues))
    const byAuth =
      asked.includes('auth') || (serializer ?? this.#settings.taskSerializer) === 'auth' ? this.#auth : null
    const [key] = asked.includes('hmac') ? this.#settings.securityHmacKey : []
    if (byAuth == null && key === undefined) return undefined
    return {
      ...(byAuth != null && { body: { contentType: signedType, seal: (text) => byAuth.seal(text) } }),
      ...(key !== undefined && { envelope: (envelope, nowMs) => signEnvelope(envelope, key, nowMs) }),
    }
  }

  /** Of these queues those that take messages which nobody signed, where what follows from a message is signed. */
  unsigned(queues: readonly string[]): readonly string[] {
    const { taskQueues, acceptContent } = this.#settings
    const isSigner = [...taskQueues.keys()].some((queue) => this.seal([queue], undefined) !== undefined)
    if (!isSigner || !acceptContent.includes('json')) return []
    return queues.filter((queue) => askedOf(queue, taskQueues) === undefined)
  }

  guard(queue: string, redelivered: boolean, nowMs: number): Guard {
    const { taskQueues, acceptContent, securityHmacKey: keys, securityHmacMaxAge: maxAge } = this.#settings
    const asked = askedOf(queue, taskQueues)
    // There the mark stands in the message itself, where anybody can write it.
    const isShared = taskQueues.get(queue)?.shared === true
    let passed = asked === undefined && acceptContent.includes('json')
    return {
      get passed() {
        return passed
      },
      check: (raw) => {
        if (asked !== 'hmac') return
        checkEnvelope(raw, { keys, maxAge, redelivered: redelivered && !isShared, nowMs })
        passed = true
      },
      open: (contentType, text) => {
        const isSigned = contentType === signedType
        if (asked === 'auth' && !isSigned)
          throw new SecurityError('Expected a signed message (serializer auth), got one without a signature.')
        const opened = isSigned ? this.#opened(text) : this.#plain(text)
        passed = true
        return opened
      },
    }
  }

  /** Of a message that was checked before. */
  readonly checked: Guard = {
    passed: true,
    check: () => undefined,
    open: (contentType, text) => (contentType === signedType ? this.#opened(text) : text),
  }

  #opened(text: string): string {
    if (this.#auth === undefined)
      throw new SecurityError(
        'The message is signed (serializer auth), but nobody is trusted here: set acceptContent and securityCertStore.',
      )
    return this.#auth.open(text)
  }

  #plain(text: string): string {
    if (!this.#settings.acceptContent.includes('json'))
      throw new SecurityError(
        'Expected a signed message, got one without a signature (acceptContent is ["auth"]).',
      )
    return text
  }

  #usesAuth(): boolean {
    const { taskQueues, acceptContent, taskSerializer } = this.#settings
    const queues = [...taskQueues.values()].some(({ signed }) => signed === 'auth')
    return queues || acceptContent.includes('auth') || taskSerializer === 'auth'
  }
}

const makeAuth = (settings: Settings): Auth => {
  const { securityKey, securityKeyPassword, securityCertificate, securityCertStore, securityDigest } =
    settings
  if (securityCertStore === null)
    throw new ImproperlyConfigured(
      'Signed messages (auth) need to know who is trusted: set securityCertStore to a directory of certificates.',
    )
  if ((securityKey === null) !== (securityCertificate === null))
    throw new ImproperlyConfigured(
      `Expected securityKey and securityCertificate together, got only ${securityKey === null ? 'the certificate' : 'the key'}.`,
    )
  const own =
    securityKey === null || securityCertificate === null
      ? undefined
      : {
          key: readKey(securityKey, securityKeyPassword),
          certificate: readCertificate('securityCertificate', securityCertificate),
        }
  return new Auth(securityDigest, readStore(securityCertStore), own)
}
