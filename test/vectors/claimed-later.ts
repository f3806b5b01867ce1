// Cases that nobody tests yet, each with the reason. Whoever claims one deletes its line: claimed.test.ts
// insists. An empty table is the aim.

/** Vector file → case → why it waits. */
export const claimedLater: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  results: {
    success: 'runtime/meta and follow: results are being written',
    failure: 'runtime/meta and follow: results are being written',
    'failure-custom-exception': 'runtime/meta and follow: results are being written',
    retry: 'runtime/meta and follow: results are being written',
    'retry-of-ignore-result': 'runtime/meta and follow: results are being written',
    'retry-without-exception': 'runtime/meta and follow: results are being written',
    'retries-exceeded': 'runtime/meta and follow: results are being written',
    'custom-state': 'runtime/meta and follow: results are being written',
    'expired-revoked': 'runtime/meta and follow: results are being written',
    'ignore-raised': 'runtime/meta and follow: results are being written',
    'ignore-result-option': 'runtime/meta and follow: results are being written',
    'ignore-result-failure': 'runtime/meta and follow: results are being written',
    'unregistered-task': 'runtime/meta and follow: results are being written',
    'return-not-serializable': 'runtime/meta and follow: results are being written',
    children: 'runtime/meta and follow: results are being written',
    'types-in-result': 'runtime/meta and follow: results are being written',
    'group-member': 'runtime/meta and follow: results are being written',
    'reply-task-request': 'runtime/meta and follow: results are being written',
    started: 'runtime/meta and follow: results are being written',
    'extended-success': 'runtime/meta and follow: results are being written',
    'extended-stamped-success': 'runtime/meta and follow: results are being written',
    'extended-failure': 'runtime/meta and follow: results are being written',
    'soft-time-limit': 'runtime/meta and follow: results are being written',
    'hard-time-limit': 'runtime/meta and follow: results are being written',
    'revoked-terminated': 'runtime/meta and follow: results are being written',
    'revoked-before-start': 'runtime/meta and follow: results are being written',
  },
  broker: {
    fanout: 'publishing to a fanout exchange (Broadcast) has an issue of its own',
  },
}
