import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kafkaVersion } from '../local/artifacts.mjs'
import { runCommand } from '../local/command.mjs'
import { step } from '../local/step.mjs'

const entrypoint = join(dirname(fileURLToPath(import.meta.url)), 'kafka-entrypoint.sh')
const limitMs = 180_000
const javaModules =
  'java.base,java.desktop,java.logging,java.management,java.naming,java.security.sasl,java.security.jgss,java.xml,java.sql,jdk.unsupported,jdk.crypto.ec'
const busyboxApplets = ['sh', 'env', 'cat', 'mkdir', 'tr', 'sed', 'grep', 'sleep', 'ls', 'cut', 'sort']

/**
 * Makes an image with Kafka from what this machine has, without an image registry: busybox, glibc, a Java runtime of the
 * needed modules, and the jars. Like the official image it takes its settings from KAFKA_* variables. Gives the image's name.
 */
export async function buildKafkaImage({ engine, jars, say = console.log, signal }) {
  const image = `devops-mcp-server/kafka:${kafkaVersion}`
  const folder = mkdtempSync(join(tmpdir(), 'devops-image-'))
  try {
    await step(`building the image ${image}`, (note) => build(folder, image, engine, jars, note, signal), say)
    return image
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function build(folder, image, engine, jars, note, signal) {
  const root = join(folder, 'root')
  for (const part of ['bin', 'etc', 'tmp', 'opt/kafka/libs', 'lib64']) mkdirSync(join(root, part), { recursive: true })
  chmodSync(join(root, 'tmp'), 0o1777)
  note('a Java runtime')
  await runCommand(
    'making a Java runtime',
    'jlink',
    [
      '--add-modules',
      javaModules,
      '--strip-debug',
      '--no-header-files',
      '--no-man-pages',
      '--output',
      join(root, 'opt', 'java'),
    ],
    { limitMs, signal },
  )
  note('the file system')
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'))
  for (const applet of busyboxApplets) symlinkSync('busybox', join(root, 'bin', applet))
  copyLibraries(root)
  for (const jar of readdirSync(jars).filter((file) => file.endsWith('.jar')))
    copyFileSync(join(jars, jar), join(root, 'opt', 'kafka', 'libs', jar))
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  copyFileSync(entrypoint, join(root, 'opt', 'kafka', 'entrypoint.sh'))
  chmodSync(join(root, 'opt', 'kafka', 'entrypoint.sh'), 0o755)
  note('the import')
  const archive = join(folder, 'root.tar')
  await runCommand('packing the image', 'tar', ['-C', root, '--owner=0', '--group=0', '-cf', archive, '.'], {
    limitMs,
    signal,
  })
  const change = 'ENTRYPOINT ["/bin/sh", "/opt/kafka/entrypoint.sh"]'
  await runCommand(
    'importing the image',
    'docker',
    ['-H', engine.host, 'import', '-c', change, '-c', 'ENV PATH=/bin:/opt/java/bin', archive, image],
    { limitMs, signal },
  )
}

/** The C library and whatever else the Java runtime and the jars' native parts are linked with. */
function copyLibraries(root) {
  const java = join(root, 'opt', 'java')
  const binaries = [join(java, 'bin', 'java'), ...sharedObjects(join(java, 'lib'))]
  const linked = execFileSync('ldd', binaries, {
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: `${java}/lib:${java}/lib/server` },
  })
  const paths = new Set(
    [...linked.matchAll(/(\/\S+\.so\S*) \(0x/g)].map((match) => match[1]).filter((path) => !path.startsWith(java)),
  )
  // Loaded by name at run time: snappy's native part wants the C++ library.
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const found = [...libraryFolders(paths)].map((libraries) => join(libraries, name)).find((path) => existsSync(path))
    if (found) paths.add(found)
  }
  for (const path of paths) {
    const target = join(root, path)
    mkdirSync(dirname(target), { recursive: true })
    cpSync(realpathSync(path), target)
  }
}

const libraryFolders = (paths) => new Set([...paths].map((path) => dirname(path)))

function sharedObjects(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? sharedObjects(path) : /\.so(\.\d+)*$/.test(entry.name) ? [path] : []
  })
}
