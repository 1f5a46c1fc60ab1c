import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { whyNoFuzz, whyNoMiri } from './nightly.mjs'

/** Stands in for a machine's cargo and rustc: which commands answer, and where the nightly's folder is. */
const machine = (answering, sysroot) => async (command, args) => {
  const line = [command, ...args].join(' ')
  if (line === 'rustc +nightly --print sysroot') return `${sysroot}\n`
  if (!answering.includes(line)) throw new Error(`${line}: exit code 1`)
  return ''
}
const nightly = 'rustc +nightly --version'

test('what is lacking is said with what brings it', async () => {
  assert.match(await whyNoMiri(machine([])), /^there is no nightly Rust \(rustup toolchain install nightly /)
  assert.match(await whyNoMiri(machine([nightly])), /^there is no cargo-miri \(rustup /)
  assert.match(await whyNoFuzz(machine([nightly])), /^there is no cargo-fuzz \(cargo install cargo-fuzz /)
  assert.equal(await whyNoFuzz(machine([nightly, 'cargo +nightly fuzz --version'])), null)
})

test('miri needs the source of the standard library', async () => {
  const sysroot = mkdtempSync(join(tmpdir(), 'sysroot-'))
  const withMiri = machine([nightly, 'cargo +nightly miri --version'], sysroot)
  try {
    assert.match(await whyNoMiri(withMiri), /^the nightly Rust has no rust-src /)
    mkdirSync(join(sysroot, 'lib', 'rustlib', 'src', 'rust', 'library'), { recursive: true })
    assert.equal(await whyNoMiri(withMiri), null)
  } finally {
    rmSync(sysroot, { recursive: true })
  }
})
