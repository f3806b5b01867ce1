/** A URL as it may be shown: the password becomes `**`, as in Celery's banner, however odd it is. */
export const maskUrl = (url: string): string => url.replace(/^([a-z+]+:\/\/[^:@/?]*):[^?]*@/i, '$1:**@')
