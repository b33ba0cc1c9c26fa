/** What is left out of a home, by gitignore rules: the built-in ones, then the settings', so that `!/.bashrc` takes a built-in one back. */
import ignore from 'ignore'
import type { Ignore } from 'ignore'
import type { EntryType } from './entry-stat.ts'

export interface ExcludeSettings {
  readonly exclude: readonly string[]
  readonly excludeDefaults: boolean
}

/** Written anew at every server start by Nebari's init container and spawner, in homes only: whatever a person writes there does not last. */
export const SPAWNER_RULES: readonly string[] = [
  '/.bashrc',
  '/.profile',
  '/.bash_logout',
  '/.condarc',
  '/.jupyter/jupyter_config.json',
]
/** Fetched or made again by the programs that filled them; and what NFS keeps of a file that was deleted while open. */
export const BULK_RULES: readonly string[] = [
  '/.cache/',
  '/.local/share/Trash/',
  '/.Trash-[0-9]*/',
  '/.conda/pkgs/',
  '/.mamba/pkgs/',
  '/micromamba/pkgs/',
  '/miniconda3/pkgs/',
  '/miniforge3/pkgs/',
  '/mambaforge/pkgs/',
  '/anaconda3/pkgs/',
  `.nfs${'[0-9a-f]'.repeat(24)}`,
]
/** What a restore put beside, and what it is just making or moving away, is never backed up itself, also without the defaults. */
export const RESTORED_RULES: readonly string[] = [
  '/restored-[0-9]*/',
  ...['new', 'old'].map((end) => `.toriki-[0-9]*-restore-${'[0-9a-f]'.repeat(10)}-${'[0-9a-f]'.repeat(24)}.${end}`),
]
/** Is an entry of that name, at the top of a home, one that a restore put beside? */
export function isRestored(name: string): boolean {
  return /^restored-[0-9]/.test(name)
}

/** Where Nebari's `~/shared` leads: the spawner makes that link; another one is the person's own. */
const SPAWNER_LINK = { path: 'shared', target: '/shared' }

/** The library remembers every path it was asked about: a fresh one after so many keeps memory flat. */
const QUESTIONS_MAX = 20_000

export class Exclusions {
  readonly #rules: readonly string[]
  readonly #spawnerLink: boolean
  /** What a path must hold somewhere for any rule to match: most paths need not be asked about. */
  readonly #hints: RegExp | undefined
  #matcher: Ignore
  #questions = 0

  /** Any text is a rule; as in git, one that makes no sense matches nothing. */
  constructor(settings: ExcludeSettings, kind: 'user' | 'group') {
    const builtIn = settings.excludeDefaults ? [...(kind === 'user' ? SPAWNER_RULES : []), ...BULK_RULES] : []
    this.#rules = [...RESTORED_RULES, ...builtIn, ...settings.exclude]
    this.#spawnerLink = settings.excludeDefaults && kind === 'user'
    this.#hints = hintsOf(this.#rules)
    this.#matcher = this.#fresh()
  }

  /** `path` beneath the home is a byte string. Asked for a directory before anything in it; nothing beneath one that is left out is asked for. */
  leavesOut(path: string, type: EntryType, target: Buffer | undefined): boolean {
    if (this.#spawnerLink && path === SPAWNER_LINK.path && target?.toString('latin1') === SPAWNER_LINK.target)
      return true
    if (this.#hints?.test(path) === false) return false
    if (++this.#questions > QUESTIONS_MAX) {
      this.#matcher = this.#fresh()
      this.#questions = 0
    }
    // Rules are text; bytes that are not UTF-8 match only what matches anything (`*`, `?`).
    const text = ASCII.test(path) ? path : Buffer.from(path, 'latin1').toString('utf8')
    return this.#matcher.ignores(type === 'directory' ? `${text}/` : text)
  }

  #fresh(): Ignore {
    return ignore({ ignorecase: false, allowRelativePaths: true }).add(this.#rules)
  }
}

/**
 * The longest run of plain characters of each rule: whatever the rule matches holds it, in its own name or in that of a directory above. `undefined` where some rule has none, so
 * that every path must be asked about. A rule that takes something back (`!`) leaves nothing out.
 */
function hintsOf(rules: readonly string[]): RegExp | undefined {
  const runs = new Set<string>()
  for (const rule of rules) {
    if (rule.startsWith('!') || rule.startsWith('#') || rule.trim() === '') continue
    // Behind a bracket or a backslash nothing is plain.
    const plain = /[\r\n]/.test(rule) ? '' : (/^[^[\\]*/.exec(rule)?.[0] ?? '')
    const longest = (plain.match(/[A-Za-z0-9._-]+/g) ?? []).toSorted((a, b) => b.length - a.length)[0]
    if (longest === undefined) return undefined
    runs.add(longest.replaceAll('.', '\\.'))
  }
  return runs.size === 0 ? undefined : new RegExp([...runs].join('|'))
}

// oxlint-disable-next-line no-control-regex -- every byte below 0x80
const ASCII = /^[\u0000-\u007f]*$/
