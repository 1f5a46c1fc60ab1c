/** A panic in Rust is an error here, and the engine that it happened in is not trusted any more. */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ALL, deployment, open, temporary, LOGGED } from './engineUnderTest.ts'
import { EngineBroken } from './errors.ts'

test('a state that contradicts itself makes a call fail, then all of them, and no other engine', async (t) => {
  const root = temporary(t)
  const [folder, snapshotKeyFile] = [join(root, 'snapshots'), join(root, 'key')]
  const writer = open({ snapshotKeyFile }).createShard(0)
  writer.applyDeployment(deployment({}), LOGGED)
  const { file, pagesHash, pages } = await writer.snapshot(folder, 'w', {}, 1)
  assert.ok(pages > 1)

  // Nothing but the key's owner could make it: the root page alone, which names pages that are not there.
  const sealed = new SealedManifest(readFileSync(file), readFileSync(snapshotKeyFile))
  const root13 = Buffer.concat([Buffer.alloc(4), sealed.places.subarray(0, 1), sealed.places.subarray(7, 15)])
  sealed.head = { ...sealed.head, pagesHash: xxh3Of13Bytes(root13) }
  assert.notEqual(sealed.head['pagesHash'], pagesHash)
  sealed.places = sealed.places.subarray(0, 15)
  writeFileSync(file, sealed.bytes())

  const engine = open({ snapshotKeyFile })
  const { shard, refused } = await engine.restoreShard(0, folder, {})
  assert.deepEqual(refused, [])
  assert.ok(shard)
  assert.throws(
    () => shard.deployments(ALL, 10, null),
    (error) => error instanceof Error && !(error instanceof EngineBroken),
    'the panic itself',
  )
  assert.throws(() => shard.stateHash(), EngineBroken)
  assert.throws(() => shard.applyDeployment(deployment({}), LOGGED), EngineBroken)
  assert.throws(() => engine.memory(), EngineBroken)
  assert.throws(() => engine.createShard(1), EngineBroken)
  await assert.rejects(engine.restoreShard(2, folder, {}), EngineBroken)
  assert.throws(() => {
    shard.drop()
  }, EngineBroken)
  await assert.rejects(shard.snapshot(folder, 'w', {}, 2), EngineBroken)
  assert.equal(writer.applyDeployment(deployment({ phase: 'finished', conclusion: 'success' }), LOGGED).closed, true)
})

test('the digest that the forged manifest needs is that of the format', async (t) => {
  const root = temporary(t)
  const snapshotKeyFile = join(root, 'key')
  const { file, pages } = await open({ snapshotKeyFile }).createShard(0).snapshot(join(root, 's'), 'w', {}, 1)
  assert.equal(pages, 1)
  const { head, places } = new SealedManifest(readFileSync(file), readFileSync(snapshotKeyFile))
  const bytes = Buffer.concat([Buffer.alloc(4), places.subarray(0, 1), places.subarray(7, 15)])
  assert.equal(xxh3Of13Bytes(bytes), head['pagesHash'])
})

/** docs/snapshot-format.md */
class SealedManifest {
  head: Record<string, unknown>
  places: Buffer
  readonly #header: Buffer
  readonly #key: Buffer

  constructor(file: Buffer, masterKey: Buffer) {
    this.#header = file.subarray(0, 32)
    this.#key = Buffer.from(hkdfSync('sha256', masterKey, 'devops-mcp-server snapshots', this.#header, 32))
    const cipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.alloc(12)).setAAD(this.#header)
    cipher.setAuthTag(file.subarray(-16))
    const plain = Buffer.concat([cipher.update(file.subarray(32, -16)), cipher.final()])
    const headBytes = plain.readUInt32LE(0)
    this.head = JSON.parse(plain.toString('utf8', 4, 4 + headBytes)) as Record<string, unknown>
    this.places = plain.subarray(8 + headBytes)
  }

  bytes(): Buffer {
    const head = Buffer.from(JSON.stringify(this.head))
    const plain = Buffer.concat([number(head.length), head, number(this.places.length / 15), this.places])
    const cipher = createCipheriv('aes-256-gcm', this.#key, Buffer.alloc(12)).setAAD(this.#header)
    return Buffer.concat([this.#header, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value)

/** XXH3-128 of 13 bytes, in hex: the digest of a page table with one page. */
function xxh3Of13Bytes(input: Buffer): string {
  const secret = Buffer.from('cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c', 'hex')
  const [prime1, prime2, prime32] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x85ebca77n]
  const word = (at: number): bigint => secret.readBigUInt64LE(at)
  const avalanche = (hash: bigint): bigint => {
    const mixed = wrap((hash ^ (hash >> 37n)) * 0x165667919e3779f9n)
    return mixed ^ (mixed >> 32n)
  }
  const [first, last] = [input.readBigUInt64LE(0), input.readBigUInt64LE(input.length - 8)]
  const product = (first ^ last ^ word(0) ^ word(8)) * prime1
  const high = last ^ wrap(word(16) ^ word(24))
  const mixed = wrap((product >> 64n) + high + (high & 0xffffffffn) * (prime32 - 1n))
  const low = wrap(product + (BigInt(input.length - 1) << 54n)) ^ swapped(mixed)
  const end = low * prime2
  const digest = (avalanche(wrap((end >> 64n) + mixed * prime2)) << 64n) | avalanche(wrap(end))
  return digest.toString(16).padStart(32, '0')
}

function swapped(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE()
}
