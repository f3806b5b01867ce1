// Pure values of which many entries have the same: a hundred thousand nightly ones share 1440 timetables.

/** Gives what was made for the same key before. Forgets all when there are more than `most`. */
export const sharing = <T>(most = 5000): ((key: string, make: () => T) => T) => {
  const known = new Map<string, T>()
  return (key, make) => {
    const found = known.get(key)
    if (found !== undefined) return found
    const made = make()
    if (known.size >= most) known.clear()
    known.set(key, made)
    return made
  }
}
