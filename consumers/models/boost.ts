/**
 * Learns boosted trees: each next one on the gradients that those before it left (J. H. Friedman, Greedy function approximation, 2001),
 * a random part of rows and features each (Stochastic gradient boosting, 2002). Same rows and seed: same trees.
 */
import { binned } from './binning.ts'
import type { Binned } from './binning.ts'
import { growTree } from './growTree.ts'
import type { GrownNode, GrowOptions, Leaf } from './growTree.ts'
import { permutation } from './random.ts'
import type { Random } from './random.ts'
import type { Trees } from './trees.ts'

export interface BoostOptions extends GrowOptions {
  readonly rounds: number
  readonly learningRate: number
  /** Share of the rows and of the features that a tree sees. */
  readonly rowShare: number
  readonly featureShare: number
}

export interface BoostTask {
  /** Rows × width, row by row, finite. */
  readonly values: Float32Array
  readonly width: number
  readonly targets: Float32Array
}

/** What is made smaller: its derivatives at an answer, and the constant to begin with. */
export interface Loss {
  readonly base: (targets: Float32Array) => number
  readonly gradient: (answer: number, target: number) => number
  readonly curvature: (answer: number, target: number) => number
}

/** Cross entropy of a share of 1s; answers are logits. */
export const LOGISTIC: Loss = {
  base: (targets) => {
    const share = targets.reduce((sum, target) => sum + target, 0) / targets.length
    return Math.log((share + 0.01) / (1.01 - share))
  },
  gradient: (answer, target) => 1 / (1 + Math.exp(-answer)) - target,
  curvature: (answer) => {
    const p = 1 / (1 + Math.exp(-answer))
    return Math.max(p * (1 - p), 1e-6)
  },
}

export function boost(task: BoostTask, loss: Loss, options: BoostOptions, random: Random): Trees {
  const { values, width, targets } = task
  const data = binned(values, width)
  const base = loss.base(targets)
  const answers = new Float64Array(data.rows).fill(base)
  const [gradients, curvatures] = [new Float64Array(data.rows), new Float64Array(data.rows)]
  const grown: GrownNode[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (let row = 0; row < data.rows; row++) {
      const [answer, target] = [answers[row] ?? 0, targets[row] ?? 0]
      gradients[row] = loss.gradient(answer, target)
      curvatures[row] = loss.curvature(answer, target)
    }
    const rows = part(data.rows, options.rowShare, random)
    const features = part(width, options.featureShare, random)
    const valueOf = (leaf: Leaf): number => options.learningRate * (-leaf.gradient / (leaf.curvature + options.lambda))
    const tree = valued(growTree(data, rows, features, gradients, curvatures, options, random), valueOf)
    for (let row = 0; row < data.rows; row++) answers[row] = (answers[row] ?? 0) + leafValue(tree, data, row)
    grown.push(tree)
  }
  return flat(base, grown, data)
}

type Valued = Leaf & { readonly value: number }

/** The same tree with the values of its leaves. */
function valued(node: GrownNode, valueOf: (leaf: Leaf) => number): GrownNode {
  if ('rows' in node) return { ...node, value: valueOf(node) } as Valued
  return { ...node, left: valued(node.left, valueOf), right: valued(node.right, valueOf) }
}

function leafValue(tree: GrownNode, { rows, bins }: Binned, row: number): number {
  let node = tree
  while ('bin' in node) node = (bins[node.feature * rows + row] ?? 0) <= node.bin ? node.left : node.right
  return (node as Valued).value
}

function flat(base: number, trees: readonly GrownNode[], { cuts }: Binned): Trees {
  const feature: number[] = []
  const threshold: number[] = []
  const left: number[] = []
  const value: number[] = []
  const roots: number[] = []
  const reserve = (): number => {
    feature.push(0)
    threshold.push(0)
    left.push(0)
    return value.push(0) - 1
  }
  const write = (node: GrownNode, at: number): void => {
    if (!('bin' in node)) {
      value[at] = (node as Valued).value
      return
    }
    const child = reserve()
    reserve()
    feature[at] = node.feature
    threshold[at] = cuts[node.feature]?.[node.bin] ?? 0
    left[at] = child
    write(node.left, child)
    write(node.right, child + 1)
  }
  for (const tree of trees) {
    const root = reserve()
    roots.push(root)
    write(tree, root)
  }
  return {
    base,
    roots: Uint32Array.from(roots),
    feature: Uint16Array.from(feature),
    threshold: Float32Array.from(threshold),
    left: Uint32Array.from(left),
    value: Float32Array.from(value),
  }
}

/** A random part of 0 … n − 1, at least one, ascending. */
function part(n: number, share: number, random: Random): Uint32Array {
  return permutation(n, random)
    .subarray(0, Math.max(Math.round(n * share), 1))
    .sort()
}
