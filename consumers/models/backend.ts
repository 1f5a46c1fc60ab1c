import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve, sep } from 'node:path'
import util from 'node:util'

import * as tf from '@tensorflow/tfjs'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'

export type BackendName = 'native' | 'wasm' | 'cpu'

export interface Backend {
  readonly name: BackendName
  /** One line for the log: what was chosen, and why each earlier choice was not. */
  readonly why: string
}

/** None of the wanted backends works here. */
export class NoBackend extends Error {
  readonly retryable = false
  constructor(reasons: readonly string[]) {
    super(`no TF.js backend works: ${reasons.join('; ')}`)
    this.name = 'NoBackend'
  }
}

const require = createRequire(import.meta.url)

/**
 * Makes the first backend of `order` that really computes the one that TF.js uses in this process.
 * `nativeFolder` is where `npm run tfjs:native` put its build (`.native/tfjs-node`), null where native is not wanted.
 * Throws NoBackend when none works.
 */
export async function chooseBackend(order: readonly BackendName[], nativeFolder: string | null): Promise<Backend> {
  const reasons: string[] = []
  for (const name of order) {
    const trouble = await start[name](nativeFolder)
    if (trouble === null) return { name, why: [`${name} backend`, ...reasons].join('; ') }
    reasons.push(`not ${name}: ${trouble}`)
  }
  throw new NoBackend(reasons)
}

/** Each gives null when the backend computes, else what stood in the way. */
const start: Readonly<Record<BackendName, (nativeFolder: string | null) => Promise<string | null>>> = {
  native: async (folder) => {
    if (folder === null) return 'not configured'
    if (!existsSync(join(folder, 'package.json'))) return 'not built (npm run tfjs:native)'
    try {
      restoreRemovedUtil()
      require(resolve(folder))
    } catch (error) {
      return oneLine(error)
    }
    return activate('tensorflow')
  },
  wasm: async () => {
    setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
    return keepingFatalHandlers(() => activate('wasm'))
  },
  cpu: () => activate('cpu'),
}

async function activate(backend: string): Promise<string | null> {
  try {
    if (!(await tf.setBackend(backend))) return 'does not start'
    // A backend that loads may still lack what its binary needs: one small product tells.
    const product = tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync())
    return product.every((value) => value === 3) ? null : `computes ${[...product].join(' ')} instead of 3`
  } catch (error) {
    return oneLine(error)
  }
}

/** tfjs-node 4.22 calls two functions that Node 24 took out. */
function restoreRemovedUtil(): void {
  const old: Record<string, unknown> = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  }
  for (const [name, value] of Object.entries(old)) if (!(name in util)) Object.assign(util, { [name]: value })
}

/** The wasm loader installs process-wide handlers that only throw again; whether and how to die is the process's own matter. */
async function keepingFatalHandlers<T>(work: () => Promise<T>): Promise<T> {
  const exceptions = process.listeners('uncaughtException')
  const rejections = process.listeners('unhandledRejection')
  try {
    return await work()
  } finally {
    for (const added of process.listeners('uncaughtException'))
      if (!exceptions.includes(added)) process.off('uncaughtException', added)
    for (const added of process.listeners('unhandledRejection'))
      if (!rejections.includes(added)) process.off('unhandledRejection', added)
  }
}

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? 'unknown'
