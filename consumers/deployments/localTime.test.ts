import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { localTime } from './localTime.ts'

const at = (iso: string) => Date.parse(iso)

test('hour and weekday in the zone of the service, across days, half hours and summer time', () => {
  const table = [
    ['2026-11-23T21:30:00Z', 'UTC', 21.5, 0],
    ['2026-11-23T23:30:00Z', 'Europe/Berlin', 0.5, 1],
    ['2026-07-05T23:15:00Z', 'Europe/Berlin', 1.25, 0],
    ['2026-11-23T01:00:00Z', 'America/New_York', 20, 6],
    ['2026-11-23T00:00:00Z', 'Asia/Kolkata', 5.5, 0],
    ['2026-03-29T00:59:00Z', 'Europe/Berlin', 1 + 59 / 60, 6],
    ['2026-03-29T01:00:00Z', 'Europe/Berlin', 3, 6],
    ['1969-12-31T12:00:00Z', 'UTC', 12, 2],
  ] as const
  for (const [iso, zone, hour, weekday] of table) {
    const local = localTime(at(iso), zone)
    assert.ok(Math.abs(local.hour - hour) < 1e-9, `${iso} ${zone}: ${local.hour}`)
    assert.equal(local.weekday, weekday, `${iso} ${zone}`)
  }
})

test('it agrees with the formatter of the platform', () => {
  const zones = ['Europe/London', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu']
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.constantFrom(...zones), (ms, zone) => {
      const parts = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      })
        .formatToParts(ms)
        .filter(({ type }) => type !== 'literal')
        .map(({ value }) => Number(value))
      const { hour } = localTime(ms, zone)
      assert.deepEqual([Math.floor(hour + 1e-9), Math.floor(((hour + 1e-9) % 1) * 60)], parts)
    }),
  )
})
