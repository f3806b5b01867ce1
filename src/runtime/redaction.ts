// Arguments as their sender shows them: the headers `argsrepr` and `kwargsrepr`. A call that says them itself keeps a
// secret out of what operators see; only the body of the message holds it then.
import type { Message } from './message.js'
import { repr } from './repr.js'

type Args = Pick<Message, 'args'> & { readonly argsrepr?: string | null | undefined }
type Kwargs = Pick<Message, 'kwargs'> & { readonly kwargsrepr?: string | null | undefined }
type From = Pick<Message, 'lang'>

const ownArgs = (args: readonly unknown[]): string => repr(args, { tuple: true })

export const shownArgs = ({ args, argsrepr }: Args): string => argsrepr ?? ownArgs(args)
export const shownKwargs = ({ kwargs, kwargsrepr }: Kwargs): string => kwargsrepr ?? repr(kwargs)

/**
 * What is shown where it is not what the arguments are; undefined where it is. What Python writes of its own accord is
 * not to the letter what we would, so that of its messages nobody can tell.
 */
export const redactedArgs = ({ lang, args, argsrepr }: From & Args): string | undefined =>
  argsrepr != null && lang === 'js' && argsrepr !== ownArgs(args) ? argsrepr : undefined

export const redactedKwargs = ({ lang, kwargs, kwargsrepr }: From & Kwargs): string | undefined =>
  kwargsrepr != null && lang === 'js' && kwargsrepr !== repr(kwargs) ? kwargsrepr : undefined
