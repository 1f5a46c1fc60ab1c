// What the native TF.js backend is made of. A changed hash is a changed binary: review it like code.
export const TFJS_NODE = {
  spec: '@tensorflow/tfjs-node@4.22.0',
  file: 'tensorflow-tfjs-node-4.22.0.tgz',
  sha512:
    'b87ad779495f8243314d9a8790449257bcd274a755d0b96c05e6e5aa4b8a53d9e77f1075a42e83b68c9855a2f1ce7cd9cbb59049e823728871c428c07fa0dcef',
}

// Its C library is the one TensorFlow build that PyPI carries for this machine; the wheel's Python part is not used.
export const TENSORFLOW = {
  spec: 'tensorflow-cpu==2.15.1',
  python: '3.11',
  platform: 'manylinux_2_17_x86_64',
  file: 'tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
  sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
  libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  headers: ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/'],
}
