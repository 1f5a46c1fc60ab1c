/** Boosted regression trees and their plain answer for one row of features. */

/**
 * All nodes of all trees, one after the other. A node with a left child splits: a row goes left where its feature is at most the
 * threshold. A leaf has no children and a value. A right child follows its left one.
 */
export interface Trees {
  /** Answer before any tree. */
  readonly base: number
  /** First node of each tree. */
  readonly roots: Uint32Array
  readonly feature: Uint16Array
  readonly threshold: Float32Array
  /** Node number, 0 for a leaf. */
  readonly left: Uint32Array
  readonly value: Float32Array
}

/** Sum of the leaves that a row falls into. */
export function sumOfLeaves({ base, roots, feature, threshold, left, value }: Trees, row: Float32Array): number {
  let sum = base
  for (const root of roots) {
    let node = root
    for (let child = left[node] ?? 0; child !== 0; child = left[node] ?? 0) {
      node = (row[feature[node] ?? 0] ?? 0) <= (threshold[node] ?? 0) ? child : child + 1
    }
    sum += value[node] ?? 0
  }
  return sum
}
