// A worker's heart: beats until it is stopped, and never twice at once, however long a beat takes.

/** `beat` never rejects. Returns what stops it. */
export const startHeart = (everyMs: number, beat: () => Promise<void>): (() => void) => {
  let isBeating = false
  const timer = setInterval(() => {
    if (isBeating) return
    isBeating = true
    void beat().then(() => {
      isBeating = false
    })
  }, everyMs)
  return () => clearInterval(timer)
}
