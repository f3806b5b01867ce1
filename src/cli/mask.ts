/** A URL as it may be shown: the password becomes `**`, as in Celery's banner. */
export const maskUrl = (url: string): string => url.replace(/^([a-z+]+:\/\/[^/@]*?):[^/]*@/i, '$1:**@')
