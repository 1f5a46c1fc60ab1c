/** Normal equations of a ridge regression, added to row by row; a solution may be asked for at any time between. */
export class RidgeSums {
  readonly #width: number
  readonly #products: Float64Array
  readonly #targets: Float64Array

  constructor(width: number) {
    this.#width = width
    this.#products = new Float64Array(width * width)
    this.#targets = new Float64Array(width)
  }

  add(row: Float64Array, target: number): void {
    const width = this.#width
    for (let i = 0; i < width; i++) {
      const left = row[i] as number
      this.#targets[i] = (this.#targets[i] as number) + left * target
      for (let j = 0; j <= i; j++) {
        const at = i * width + j
        this.#products[at] = (this.#products[at] as number) + left * (row[j] as number)
      }
    }
  }

  /** Coefficients for a penalty > 0, by Cholesky's decomposition. */
  solve(penalty: number): Float64Array {
    const width = this.#width
    const factor = Float64Array.from(this.#products)
    const solution = Float64Array.from(this.#targets)
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = (factor[i * width + j] as number) + (i === j ? penalty : 0)
        for (let k = 0; k < j; k++) sum -= (factor[i * width + k] as number) * (factor[j * width + k] as number)
        // Rounding may eat a pivot that the penalty alone keeps positive.
        factor[i * width + j] = i === j ? Math.sqrt(Math.max(sum, penalty)) : sum / (factor[j * width + j] as number)
      }
      let sum = solution[i] as number
      for (let k = 0; k < i; k++) sum -= (factor[i * width + k] as number) * (solution[k] as number)
      solution[i] = sum / (factor[i * width + i] as number)
    }
    for (let i = width - 1; i >= 0; i--) {
      let sum = solution[i] as number
      for (let k = i + 1; k < width; k++) sum -= (factor[k * width + i] as number) * (solution[k] as number)
      solution[i] = sum / (factor[i * width + i] as number)
    }
    return solution
  }
}
