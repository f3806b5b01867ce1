// Text that anybody may have written, for a terminal: nothing of it may move the cursor or begin a line of its own.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

export const printable = (text: string): string =>
  text.replace(unprintable, (found) => `\\u{${found.codePointAt(0)!.toString(16)}}`)
