/** A node:test reporter: one JSON line for each test that passed, failed or was skipped. */
export default async function* countingReporter(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details?.type === 'suite') continue
    // A file without a single test is reported as one that passed, under its own path.
    if (type === 'test:pass' && data.nesting === 0 && data.file?.endsWith(data.name)) continue
    const left = data.skip ?? data.todo
    const outcome =
      type === 'test:fail' && data.todo === undefined
        ? 'failed'
        : left === undefined || left === false
          ? 'passed'
          : 'skipped'
    const reason = outcome === 'skipped' ? (typeof left === 'string' && left !== '' ? left : 'no reason given') : null
    yield `${JSON.stringify({ outcome, name: data.name, file: data.file ?? '', reason })}\n`
  }
}
