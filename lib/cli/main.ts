/** The program: its commands, their words, and how every error becomes one clear sentence and the right exit status. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { TorikiError, toTorikiError } from '../errors.ts'
import { environment } from '../settings-environment.ts'
import { workerFunctions } from './context.ts'
import type { CommandContext, WorkerFunction, WorkerHost } from './context.ts'
import { EXIT, exitStatusOfError } from './exit-status.ts'
import { gather, wholeNumber } from './register-command.ts'
import type { RegisterCommand } from './register-command.ts'
import { addRestore } from './restore/commands.ts'
import { wrap } from './table.ts'
import type { Terminal } from './terminal.ts'

export interface Invocation {
  /** Without node and script. */
  readonly words: readonly string[]
  readonly terminal: Terminal
  readonly host: WorkerHost
  readonly signal: AbortSignal
  readonly version: string
}

/** Runs one command to its end and gives the exit status. Never throws. */
export async function main(invocation: Invocation): Promise<number> {
  const { terminal } = invocation
  let status: number = EXIT.complete
  const program = buildProgram(invocation, (ended) => {
    status = ended
  })
  try {
    if (invocation.words.length === 0) program.outputHelp()
    else await program.parseAsync([...invocation.words], { from: 'user' })
    return status
  } catch (error) {
    // Commander has printed its own sentence; help and version end here too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.complete : EXIT.usage
    return explain(terminal, error, invocation.signal)
  }
}

/** One sentence, the remedy, and (asked for by TORIKI_LOG=debug) the causes. */
function explain(terminal: Terminal, error: unknown, signal: AbortSignal): number {
  const coded = toTorikiError(signal.aborted && !(error instanceof TorikiError) ? signal.reason : error)
  terminal.err(`${terminal.style('red', `toriki: ${coded.code}`)}: ${coded.message}\n`)
  terminal.err(terminal.style('dim', wrap(`→ ${coded.remedy}`, terminal.width, '  ')))
  const debug = environment('TORIKI_LOG') === 'debug'
  if (debug)
    terminal.err(
      `${error instanceof Error ? (error.stack ?? '') : String(error)}\n${coded.cause instanceof Error ? `cause: ${coded.cause.stack ?? coded.cause.message}\n` : ''}`,
    )
  else if (coded.code === 'internal')
    terminal.err(terminal.style('dim', '  Run it again with TORIKI_LOG=debug to see where.\n'))
  return exitStatusOfError(coded)
}

function buildProgram(invocation: Invocation, ended: (status: number) => void): Command {
  const { terminal } = invocation
  // At 80 columns descriptions wrap beside their terms; every command has options, so saying so is noise.
  const help = {
    showGlobalOptions: true,
    // Those of the program: what `restore` has is not said again with each of its subcommands.
    visibleGlobalOptions: (one: Command) => (one === program ? [] : [...program.options]),
    minWidthToWrap: 20,
    subcommandTerm: (one: Command) =>
      [one.name(), one.usage().replace('[options]', '').trim()].filter((part) => part !== '').join(' '),
  }
  const program = new Command('toriki')
    .description('Backup and restore for Nebari: people, passwords, groups and homes.')
    .version(invocation.version, '-V, --version')
    .option('-s, --settings <file>', 'settings file (else $TORIKI_SETTINGS, else ./toriki.yaml)')
    .option('--json', 'print exactly one JSON document on stdout')
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
    })
    .configureHelp(help)
    .showHelpAfterError('See `toriki --help`, or `toriki COMMAND --help`.')
    .addHelpText(
      'after',
      '\nExit status: 0 complete, 1 failed or refused, 2 bad usage or settings,\n3 partial, 130 interrupted.',
    )

  /** Registers one command; its action gets the context and what commander parsed. */
  const command: RegisterCommand = (name, description, build, action, parent = program) => {
    const one = build(parent.command(name).description(description).configureHelp(help))
    one.action(async (...parsed: unknown[]) => {
      const globals = program.opts<{ settings?: string; json?: boolean }>()
      const context: CommandContext = {
        terminal,
        json: globals.json === true,
        settingsFile: globals.settings,
        signal: invocation.signal,
        host: invocation.host,
      }
      // Commander passes the arguments, then the options, then the command. What stands before a subcommand (`restore --user ann plan`) is found above.
      const options = (parsed.at(-1) as Command).optsWithGlobals() as never
      ended((await action(context, parsed.slice(0, -2) as string[], options)) ?? EXIT.complete)
    })
    return one
  }
  const slice = (one: Command): Command =>
    one
      .option('-u, --user <name>', 'one person')
      .option('-g, --group <name>', 'one group (leaf or path)')
      .option('--shared', 'the shared state')
  const plain = (one: Command): Command => one

  command(
    'init [what]',
    'write settings and make the keys and the store; `init keycloak` says how to make the clients there',
    (one) =>
      one
        .option('--deployment <name>', 'name of this deployment')
        .option('--keycloak-url <url>', 'address of Keycloak with its base path')
        .option('--keycloak-realm <realm>', 'the realm', 'nebari')
        .option('--keycloak-client <client>', 'the client that backs up', 'toriki-backup')
        .option('--files-root <folder>', 'where the file system is mounted')
        .option('--home <template>', 'homes below the root', 'home/{user}')
        .option('--group-folder <template>', 'shared directories below the root', 'shared/{group}')
        .option('--from-store <store>', 'rebuild the settings from a repository: a folder, or s3://BUCKET/PREFIX')
        .option('--keyring <file>', 'where the keyring is, or shall be')
        .option('--kms-key <key>', 'with --from-store: the KMS key instead of a keyring (id, ARN or alias/NAME)')
        .option('--key-bucket <bucket>', 'with --from-store: the bucket of the keys, if they have one')
        .option('--region <region>', 'with --from-store: where bucket and key lie')
        .option('--endpoint <url>', 'with --from-store: a store that is not AWS’s'),
    async (context, [what], options) => {
      if (what === 'keycloak') return await (await import('./commands/init.ts')).initKeycloak(context)
      if (what !== undefined)
        throw new TorikiError('usage', { message: `There is \`init\` and \`init keycloak\`, not \`init ${what}\`.` })
      return await (await import('./commands/init.ts')).init(context, options)
    },
  )
  command(
    'doctor',
    'try every connection and right, and say what to do about each that fails',
    plain,
    async (context) => await (await import('./commands/doctor.ts')).doctor(context),
  )
  command(
    'users',
    'who there is, and which components know them',
    (one) => one.option('-a, --all', 'also people who left but have snapshots'),
    async (context, _words, options) => await (await import('./commands/users.ts')).users(context, options),
  )
  command(
    'backup',
    'back up everything, or what is named',
    (one) =>
      one
        .option('-u, --user <name>', 'only this person (again for more)', gather)
        .option('-g, --group <name>', 'only this group (again for more)', gather)
        .option('--shared', 'only the shared state')
        .option('-c, --component <name>', 'only this component (again for more)', gather)
        .option('-n, --dry-run', 'list what would be backed up, write nothing')
        .option('-d, --detach', 'print the run and do not wait'),
    async (context, _words, options) => await (await import('./commands/backup.ts')).backup(context, options),
  )
  command(
    'runs',
    'what ran, newest first',
    (one) => one.addOption(new Option('-l, --limit <count>', 'at most so many').argParser(wholeNumber).default(20)),
    async (context, _words, options) => await (await import('./commands/runs.ts')).runs(context, options),
  )
  command(
    'status [run]',
    'how a run stands or ended (the latest, unless named)',
    plain,
    async (context, [run]) => await (await import('./commands/runs.ts')).status(context, run),
  )
  command(
    'cancel <run>',
    'stop a run: what is saved stays',
    plain,
    async (context, [run = '']) => await (await import('./commands/cancel.ts')).cancel(context, run),
  )
  command(
    'replay [run]',
    'try the failed slices of a run again, in that run (the latest, unless named)',
    (one) =>
      one
        .option('-u, --user <name>', 'only this person (again for more)', gather)
        .option('-d, --detach', 'do not wait'),
    async (context, [run], options) => await (await import('./commands/replay.ts')).replay(context, run, options),
  )
  command(
    'accept <run>',
    'a suspect run is the truth after all',
    (one) =>
      one.option('-u, --user <name>', 'only this person (again for more)', gather).option('-y, --yes', 'do not ask'),
    async (context, [run = ''], options) => await (await import('./commands/accept.ts')).accept(context, run, options),
  )
  command(
    'snapshots',
    'what is stored, newest first',
    (one) => slice(one).addHelpText('after', '\nBring one back: toriki restore --user NAME --snapshot ID'),
    async (context, _words, options) => await (await import('./commands/snapshots.ts')).snapshots(context, options),
  )
  command(
    'ls <snapshot> [component] [prefix]',
    'the resources of a snapshot',
    slice,
    async (context, [snapshot = '', component, prefix], options) =>
      await (await import('./commands/ls.ts')).ls(context, snapshot, component, prefix, options),
  )
  command(
    'cat <snapshot> <component> <key>',
    'one resource: its body, or its bytes',
    (one) =>
      slice(one).option('--content', 'write the bytes to stdout').option('--secrets', 'show secret values in clear'),
    async (context, [snapshot = '', component = '', key = ''], options) =>
      await (await import('./commands/cat.ts')).cat(context, snapshot, component, key, options),
  )
  command(
    'find <pattern>',
    'where something stands, in every snapshot',
    (one) =>
      slice(one).addHelpText(
        'after',
        '\nBring it back beside what is there:\n  toriki restore --user NAME --path PATH --snapshot ID',
      ),
    async (context, [pattern = ''], options) =>
      await (await import('./commands/find.ts')).find(context, pattern, options),
  )
  command(
    'diff <a> <b>',
    'what is different in snapshot B (`live`: in the deployment now)',
    (one) =>
      slice(one).addHelpText(
        'after',
        '\nWhat a restore would change, and what it cannot: toriki restore plan --user NAME',
      ),
    async (context, [a = '', b = ''], options) =>
      await (await import('./commands/diff.ts')).diff(context, a, b, options),
  )
  command(
    'export',
    'a snapshot as plain files',
    (one) =>
      slice(one)
        .option('--snapshot <id>', 'which (else the latest)')
        .requiredOption('-o, --out <folder>', 'a new or empty folder')
        .option('--secrets', 'include secret values in clear')
        .addHelpText('after', '\nFor looking, and for taking away. To bring it back where it was: toriki restore'),
    async (context, _words, options) => await (await import('./commands/export.ts')).exportSnapshot(context, options),
  )
  addRestore(command)
  command(
    'check',
    'is what is stored whole? Names who and what is hit where it is not',
    (one) =>
      one
        .option('--read-data [percent]', 'also read the content: all of it, or a part that turns with the day')
        .option('--rebuild-index', 'first make index objects that do not open anew, from the packs')
        .option('-u, --user <name>', 'only this person (again for more)', gather),
    async (context, _words, options) => await (await import('./commands/check.ts')).check(context, options),
  )
  command(
    'forget',
    'which snapshots the retention policy keeps, and why; without --apply it only says so',
    (one) => one.option('-u, --user <name>', 'only this person (again for more)', gather).option('--apply', 'do it'),
    async (context, _words, options) => await (await import('./commands/forget.ts')).forget(context, options),
  )
  command(
    'prune',
    'delete what nothing names any more; without --apply only say what that is',
    (one) => one.option('--apply', 'do it'),
    async (context, _words, options) => await (await import('./commands/prune.ts')).prune(context, options),
  )
  command(
    'compact',
    'pack anew what is alive in packs that are mostly dead, for prune to take the old; without --apply only say what that is',
    (one) =>
      one
        .option('--max-dead <percent>', 'so much of what a history’s packs hold may be dead')
        .option('-u, --user <name>', 'only this person (again for more)', gather)
        .option('--apply', 'do it'),
    async (context, _words, options) => await (await import('./commands/compact.ts')).compact(context, options),
  )
  command(
    'work',
    'consume the queues until stopped',
    (one) =>
      one
        .option('--only <function>', `only the work of ${workerFunctions.join(', ')} (again for more)`, gatherFunctions)
        .option('--alive <file>', 'touch this file while working: what a liveness probe looks at'),
    async (context, _words, options) => await (await import('./commands/work.ts')).work(context, options),
  )
  command(
    'serve',
    'the whole service on this machine: schedule, workers, settling',
    plain,
    async (context) => await (await import('./commands/serve.ts')).serve(context),
  )
  return program
}

function gatherFunctions(value: string, before: readonly WorkerFunction[] | undefined): readonly WorkerFunction[] {
  const name = workerFunctions.find((one) => one === value)
  if (name === undefined) throw new InvalidArgumentError(`It must be one of ${workerFunctions.join(', ')}.`)
  return [...(before ?? []), name]
}
