/** What is used of ydf-training, which brings no types: https://ydf.readthedocs.io/en/latest/javascript/ */
declare module 'ydf-training' {
  export interface Model {
    /** With two classes: the probability of the rarer one, for each row of the CSV. The label's column must be there, empty. */
    predict(csv: string): number[]
    /** Frees its memory. */
    unload(): void
  }
  interface Ydf {
    readonly GradientBoostedTreesLearner: new (label: string, task: 'CLASSIFICATION') => { train(csv: string): Model }
  }
  const open: (module: { readonly printErr: (line: string) => void }) => Promise<Ydf>
  export default open
}
