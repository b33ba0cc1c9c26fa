/** A backup program as the bench drives it: the same steps for all, each one command. */
import type { Command } from './measure-process.ts'

export const toolNames = ['toriki', 'restic', 'borg', 'kopia', 'kopia-zstd'] as const
export type ToolName = (typeof toolNames)[number]

export type StorePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly endpoint: string; readonly bucket: string; readonly prefix: string }

export interface Scene {
  /** `<root>/home/ann` is the home. */
  readonly root: string
  readonly home: string
  /** The tool's own folder, empty: settings, caches, keys. */
  readonly folder: string
  readonly store: StorePlace
}

export interface BackupTool {
  /** Makes the repository. */
  init(): readonly Command[]
  backup(): Command
  /** What a backup says of itself that a reader of the bench wants to know; throws when it says that not all is well. */
  saw?(out: string): Seen | undefined
  /** The whole home; `into` is an empty folder. */
  restore(into: string): Command
  /** The same, and everything that was written is read again and compared, where that is another command. */
  restoreProven?(into: string): Command
  /** One file, by its path in the home. */
  restoreOne(into: string, path: string): Command
  /** Of the home itself `restore` does not set owner, mode and time. */
  readonly leavesTop?: true
  /** Where `restore` put the home below `into`. */
  restoredHome(into: string): string
  /** Where `restoreOne` put the file; absent: in the restored home. */
  restoredOne?(into: string, path: string): string
  /** Reads and checks everything that is stored. */
  check(): Command
}

export interface Seen {
  readonly bytesRead: number
  readonly objectsPut: number
}

/** What local servers of S3 take as credentials, for every tool. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}
