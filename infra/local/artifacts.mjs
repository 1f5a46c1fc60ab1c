import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './command.mjs'

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const pom = join(repository, 'infra', 'kafka', 'pom.xml')
const cache = join(repository, '.cache')
const fetchLimitMs = 20 * 60_000

export const kafkaVersion = '4.4.0'
export const registryVersion = '3.0.9'

/** The folder with the broker's jars, fetched by Maven unless it is there already and complete. */
export async function fetchKafka(options = {}) {
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12)
  return fetched(
    `kafka-${kafkaVersion}-${digest}`,
    `Apache Kafka ${kafkaVersion} (about 45 jars, 43 MB)`,
    options,
    async (folder, onLine, signal) => {
      // -C: a file whose checksum differs from the repository's fails the fetch; Maven only warns otherwise.
      await runCommand(
        'fetching Apache Kafka with Maven',
        'mvn',
        [
          '-B',
          '-C',
          '-f',
          pom,
          'dependency:copy-dependencies',
          '-DincludeScope=runtime',
          `-DoutputDirectory=${folder}`,
        ],
        { limitMs: fetchLimitMs, onLine, signal },
      )
    },
  )
}

/** The runnable jar of the schema registry, fetched by Maven unless it is there already and complete. */
export async function fetchRegistry(options = {}) {
  const jar = `apicurio-registry-app-${registryVersion}-runner.jar`
  const folder = await fetched(
    `apicurio-${registryVersion}`,
    `Apicurio Registry ${registryVersion} (109 MB)`,
    options,
    async (target, onLine, signal) => {
      const archive = `apicurio-registry-app-${registryVersion}-all.tar.gz`
      // Version 2.8 of the plugin copies the one file; later ones first resolve parent POMs that it does not need.
      await runCommand(
        'fetching Apicurio Registry with Maven',
        'mvn',
        [
          '-B',
          '-C',
          '-f',
          pom,
          'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy',
          `-Dartifact=io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`,
          `-DoutputDirectory=${target}`,
        ],
        { limitMs: fetchLimitMs, onLine, signal },
      )
      await runCommand(
        'unpacking Apicurio Registry',
        'tar',
        ['-xzf', join(target, archive), '--no-same-owner', '-C', target],
        { limitMs: 120_000, signal },
      )
      await rm(join(target, archive))
      await stat(join(target, jar))
    },
  )
  return join(folder, jar)
}

/**
 * One folder of the cache. It is filled beside its place and renamed into it together with a list of its files, so that an
 * interrupted fetch, or two at once, can't leave a half-filled folder that looks whole.
 */
async function fetched(name, title, { log = console.log, signal } = {}, fill) {
  const folder = join(cache, name)
  if (await isComplete(folder)) return folder
  await mkdir(cache, { recursive: true })
  const began = Date.now()
  log(`fetching ${title} from Maven Central …`)
  const target = await mkdtemp(join(cache, `${name}.part-`))
  const onLine = progress(log, began)
  try {
    await fill(target, onLine, signal)
    await writeFile(join(target, 'files.json'), JSON.stringify(await sizes(target)))
    await rm(folder, { recursive: true, force: true })
    await rename(target, folder).catch(async (error) => {
      // Another start was quicker; its folder serves as well.
      if (!(await isComplete(folder))) throw error
    })
  } finally {
    onLine.stop()
    await rm(target, { recursive: true, force: true })
  }
  log(`fetched ${title} in ${Math.round((Date.now() - began) / 1000)} s`)
  return folder
}

// Maven in batch mode says nothing while a large file comes in, so the time is said as well.
function progress(log, began) {
  let files = 0
  const soFar = () => (files === 0 ? '' : `, ${files} ${files === 1 ? 'file' : 'files'} so far`)
  const timer = setInterval(() => log(`  … ${Math.round((Date.now() - began) / 1000)} s${soFar()}`), 5_000)
  const onLine = (line) => {
    if (/Downloaded from /.test(line)) files += 1
  }
  return Object.assign(onLine, { stop: () => clearInterval(timer) })
}

async function isComplete(folder) {
  let listed
  try {
    listed = JSON.parse(await readFile(join(folder, 'files.json'), 'utf8'))
  } catch {
    return false
  }
  const found = await sizes(folder)
  return Object.keys(listed).length > 0 && Object.entries(listed).every(([file, bytes]) => found[file] === bytes)
}

async function sizes(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'files.json')
  return Object.fromEntries(
    await Promise.all(
      files.map(async (entry) => {
        const path = join(entry.parentPath ?? entry.path, entry.name)
        return [path.slice(folder.length + 1), (await stat(path)).size]
      }),
    ),
  )
}
