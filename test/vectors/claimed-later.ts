// Cases that nobody tests yet, each with the reason. Whoever claims one deletes its line: claimed.test.ts
// insists. An empty table is the aim.

/** Vector file → case → why it waits. */
export const claimedLater: Readonly<Record<string, Readonly<Record<string, string>>>> = {
}
