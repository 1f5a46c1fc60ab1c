// npm run tfjs:native: builds @tensorflow/tfjs-node from parts into .native/tfjs-node, since its own installer
// needs a download host that many networks block. A second run finds its work done.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { TENSORFLOW, TFJS_NODE } from './pins.mjs'
import { BuildError, fetchOnce, requireTools, run } from './steps.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../..')
const cache = join(root, '.cache/tfjs-native')
const target = join(root, '.native/tfjs-node')
const partial = `${target}.partial`

const say = (line) => process.stdout.write(`tfjs:native  ${line}\n`)

/** Changes with everything that decides what is built. */
function recipe() {
  const hash = createHash('sha256')
  for (const file of ['build.mjs', 'steps.mjs', 'pins.mjs', 'package-lock.json'])
    hash.update(readFileSync(join(here, file)))
  return hash.digest('hex')
}

async function build() {
  const stamp = recipe()
  const stampFile = join(target, 'recipe.sha256')
  if (existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) {
    const proof = proveOrNull(target)
    if (proof !== null) return say(`${proof}; already built`)
    say('the present build does not load; building again')
  }
  const { glibcVersionRuntime } = process.report.getReport().header
  requireTools({ platform: process.platform, arch: process.arch, libc: glibcVersionRuntime ? 'glibc' : 'musl' })
  const napi = join(root, 'node_modules/node-api-headers/include')
  if (!existsSync(napi)) throw new BuildError('node_modules is incomplete: run npm install first')

  await mkdir(cache, { recursive: true })
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  await unpackBinding()
  await unpackTensorflow()
  await compile(napi)
  await installDependencies()
  await writeFile(join(partial, 'recipe.sha256'), stamp)

  say(`5/5 trying it: ${prove(partial)}`)
  await rm(target, { recursive: true, force: true })
  await rename(partial, target)
  say('built in .native/tfjs-node')
}

async function unpackBinding() {
  const file = join(cache, TFJS_NODE.file)
  const how = await fetchOnce(file, 'sha512', TFJS_NODE.sha512, (folder) =>
    run('npm', ['pack', TFJS_NODE.spec, '--silent', '--pack-destination', folder], { cwd: cache }),
  )
  say(`1/5 ${TFJS_NODE.spec} (${how})`)
  run('tar', ['-xzf', file, '--strip-components=1', '-C', partial])
}

async function unpackTensorflow() {
  const { spec, python, platform, file, sha256, libraries, headers } = TENSORFLOW
  if (!existsSync(join(cache, file))) say(`2/5 fetching ${spec} (207 MB)`)
  const how = await fetchOnce(join(cache, file), 'sha256', sha256, (folder) => {
    const choice = ['--no-deps', '--only-binary=:all:', '--implementation', 'cp']
    const machine = ['--python-version', python, '--platform', platform]
    run('python3', ['-m', 'pip', 'download', '--quiet', spec, ...choice, ...machine, '--dest', folder])
  })
  say(`2/5 ${spec} (${how}), unpacking and stripping its libraries`)

  const unpacked = join(partial, 'wheel')
  const wanted = [
    ...libraries.map((name) => `tensorflow/${name}`),
    ...headers.map((path) => `tensorflow/include/${path}`),
  ]
  const extract = `
import sys, zipfile
wheel, folder, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if any(name == w or (w.endswith('/') and name.startswith(w)) for w in wanted):
            archive.extract(name, folder)
`
  run('python3', ['-c', extract, join(cache, file), unpacked, ...wanted])
  await mkdir(join(partial, 'deps/lib'), { recursive: true })
  for (const name of libraries) {
    run('strip', ['--strip-unneeded', '-o', join(partial, 'deps/lib', name), join(unpacked, 'tensorflow', name)])
    await symlink(name, join(partial, 'deps/lib', name.replace(/\.2$/, '')))
  }
  await rename(join(unpacked, 'tensorflow/include'), join(partial, 'deps/include'))
  await rm(unpacked, { recursive: true })
}

async function compile(napi) {
  say('3/5 compiling the binding')
  await mkdir(join(partial, 'lib/napi-v8'), { recursive: true })
  const defines = ['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=tfjs_binding', '-DBUILDING_NODE_EXTENSION']
  const sources = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc']
  const includes = ['-I', napi, '-I', 'deps/include', '-I', 'binding']
  const link = ['-L', 'deps/lib', '-ltensorflow_cc', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib']
  const output = ['-o', 'lib/napi-v8/tfjs_binding.node']
  run('g++', ['-O2', '-std=c++17', '-fPIC', '-shared', ...defines, ...includes, ...sources, ...link, ...output], {
    cwd: partial,
  })
}

async function installDependencies() {
  say('4/5 installing its own dependencies')
  const folder = join(partial, 'own')
  await mkdir(folder)
  for (const file of ['package.json', 'package-lock.json']) await cp(join(here, file), join(folder, file))
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], { cwd: folder })
  await rename(join(folder, 'node_modules'), join(partial, 'node_modules'))
  // Everything else, @tensorflow/tfjs first of all, is found in the project: two copies would be two engines.
  await rm(folder, { recursive: true })
}

function proveOrNull(folder) {
  try {
    return prove(folder)
  } catch (error) {
    if (error instanceof BuildError) return null
    throw error
  }
}

/** Loads the build in a process of its own and has it multiply; gives one line. */
function prove(folder) {
  const program = `
    import util from 'node:util'
    import { createRequire } from 'node:module'
    util.isNullOrUndefined ??= (value) => value === null || value === undefined
    util.isArray ??= Array.isArray
    const tf = createRequire(import.meta.url)(${JSON.stringify(folder)})
    const product = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync()
    if (tf.getBackend() !== 'tensorflow' || product.some((value) => value !== 64)) throw new Error('wrong product')
    console.log('TensorFlow ' + tf.backend().binding.TF_Version + ' multiplies')`
  const args = ['--input-type=module', '--eval', program]
  return run(process.execPath, args, { cwd: root, env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' } }).trim()
}

try {
  await build()
} catch (error) {
  if (!(error instanceof BuildError)) throw error
  process.stderr.write(`tfjs:native: ${error.message}\n`)
  process.exitCode = 1
}
