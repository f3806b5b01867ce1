export const settingsPage: (tables: {
  readonly table: object
  readonly refusals: object
  readonly withoutEffect: object
}) => string
