// Every setting of Celery's, in every spelling, has an answer: it works, it changes nothing for a reason, or it is
// refused with a sentence. And the page about them is what the tables say.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { settingsPage } from '../../scripts/settings-page.js'
import { readSettings, settingName } from '../../src/config.js'
import { refusals, withoutEffect } from '../../src/config-celery.js'
import { toCamel } from '../../src/config-decode.js'
import { table } from '../../src/config-table.js'
import { celerySettings, olderSettings } from './celery-settings.js'

/** A value that no setting has by default. */
const odd = { an: 'odd value' }

const sentence = (input: object): string => {
  try {
    readSettings(input as never, {})
    return 'accepted'
  } catch (error) {
    return (error as Error).message
  }
}

describe.each(celerySettings)('%s', (name) => {
  const camel = toCamel(name)

  it('has one name in every spelling', () => {
    for (const given of [name, camel, name.toUpperCase(), `CELERY_${name.toUpperCase()}`])
      expect(settingName(given), given).toBe(camel)
  })

  it('works, changes nothing for a reason, or is refused with a sentence', () => {
    const homes = [
      Object.hasOwn(table, camel),
      Object.hasOwn(refusals, camel),
      Object.hasOwn(withoutEffect, camel),
    ]
    expect(homes.filter(Boolean)).toHaveLength(1)
    if (homes[2]) {
      expect(sentence({ [name]: odd })).toBe('accepted')
      expect(withoutEffect[camel]!.length).toBeGreaterThan(10)
    } else if (homes[1]) {
      const { say, but } = refusals[camel]!
      expect(sentence({ [name]: odd })).toBe(`${camel}: ${say}.`)
      for (const value of but) expect(sentence({ [name]: value })).toBe('accepted')
    } else {
      const row = table[camel as keyof typeof table]
      expect(row.doc.length).toBeGreaterThan(10)
      // Whatever it decides, it decides with its own name.
      if (!takesObjects.has(camel)) expect(sentence({ [name]: odd })).toContain(camel)
      expect(readSettings({}, {})[camel as keyof typeof table]).toEqual(row.default)
    }
  })
})

it.each(olderSettings)('%s is %s', (older, name) => {
  expect(settingName(older)).toBe(toCamel(name))
})

/** Where an object of anything is a value; what must stand in it is tried in config.test.ts. */
const takesObjects = new Set(['beatSchedule', 'taskRoutes'])

it('docs/settings.md is made of the tables: node scripts/settings-page.js', () => {
  const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')
  expect(page).toBe(settingsPage({ table, refusals, withoutEffect }))
})

it('an unknown setting is refused with the nearest name', () => {
  expect(sentence({ task_ack_late: true })).toMatch(
    /^Unknown setting "task_ack_late"\. Did you mean taskAcksLate\?/,
  )
})
