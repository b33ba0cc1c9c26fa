/**
 * What the lock file promises to a stranger's machine: every package by exact version and digest, for every processor, from whatever registry that
 * machine uses. npm leaves bindings out in silence when a registry lacks one; `npm ci` then fails on the machine that needs it.
 */

interface Locked {
  /** Where it stands under another name: its own. */
  readonly name?: string
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly optional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** One sentence per fault, none when the lock is sound. */
export function lockFaults(manifest: Manifest, lock: Lock): string[] {
  const faults: string[] = []
  for (const group of [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]) {
    for (const [name, wanted] of Object.entries(group ?? {})) {
      // `npm:osls@4.3.1`: another package under this name.
      const [, alias, version] = /^(?:npm:((?:@[\w.-]+\/)?[\w.-]+)@)?(\d+\.\d+\.\d+(?:-[\w.-]+)?)$/.exec(wanted) ?? []
      const locked = lock.packages[`node_modules/${name}`]
      if (version === undefined) faults.push(`package.json does not pin ${name}: ${wanted}.`)
      else if (locked?.version !== version || locked.name !== alias) faults.push(`The lock has not ${name} ${wanted}.`)
    }
  }
  for (const [path, locked] of Object.entries(lock.packages)) {
    if (path === '') continue
    if (locked.resolved !== undefined)
      faults.push(`The lock says where ${path} comes from: ${new URL(locked.resolved).protocol}.`)
    if (locked.integrity === undefined && locked.inBundle !== true) faults.push(`The lock has no digest of ${path}.`)
    for (const name of Object.keys(locked.optionalDependencies ?? {})) {
      if (find(lock, path, name) === undefined)
        faults.push(`The lock lacks ${name}, which ${path} needs on some machine.`)
    }
  }
  return faults
}

/** The package that `name` means inside `path`: the nearest one, as Node looks for it. */
function find(lock: Lock, path: string, name: string): Locked | undefined {
  const nesting = path.split('/node_modules/')
  for (let depth = nesting.length; depth >= 0; depth--) {
    const folder = nesting.slice(0, depth).map((part) => `${part}/`)
    const found = lock.packages[`${folder.join('node_modules/')}node_modules/${name}`]
    if (found !== undefined) return found
  }
  return undefined
}
