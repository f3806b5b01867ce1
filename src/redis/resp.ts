// A command in RESP, for those who speak to Redis and its sentinels without ioredis.

export const encodeCommand = (words: readonly (string | number)[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join('')}`
