// Whether this process (or thread) is a child of a pool: known also to another copy of this library in it.
const childKey = Symbol.for('lovage.child')

export const isChild = (): boolean => Object.hasOwn(globalThis, childKey)

/** Said by the program of a child, before it loads anything. */
export const markChild = (): void => {
  Object.defineProperty(globalThis, childKey, { value: true })
}
