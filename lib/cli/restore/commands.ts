/** The words of `toriki restore` and of what belongs to it. */
import { Option } from 'commander'
import type { Command } from 'commander'
import { gather, wholeNumber } from '../register-command.ts'
import { TorikiError } from '../../errors.ts'
import type { RegisterCommand } from '../register-command.ts'

const EXAMPLES = `
Examples:
  toriki restore --user ann                   account and home, as last saved
  toriki restore -u ann -p notes/plan.md      one file, beside what is there
  toriki restore plan -u ann --at 2026-11-21  look first; nothing is changed
  toriki restore --all                        everything, shared state first

Files of a home in which something is go to restored-<date>/ in it, unless
--in-place. Nothing is deleted unless --delete-extra.`

export function addRestore(command: RegisterCommand): void {
  const plain = (one: Command): Command => one
  const restore = command(
    'restore',
    'bring people, groups, shared state or single files back: plans, shows, asks, applies',
    (one) => asked(one).option('-y, --yes', 'do not ask').addHelpText('after', EXAMPLES),
    async (context, _words, options) => await (await import('../commands/restore.ts')).restoreWhole(context, options),
  )
  command(
    'plan',
    'what a restore would do; changes nothing',
    asked,
    async (context, _words, options) => await (await import('../commands/restore.ts')).restorePlan(context, options),
    restore,
  )
  command(
    'apply <plan>',
    'do what the plan says, read it back, and undo it where it does not agree',
    (one) => one.option('-y, --yes', 'do not ask'),
    async (context, [plan = ''], options) => {
      refuseAsked(options, 'apply')
      return await (await import('../commands/restore.ts')).restoreApply(context, plan, options)
    },
    restore,
  )
  command(
    'status [restore]',
    'how a restore stands or ended (the newest, unless named)',
    plain,
    async (context, [id], options) => {
      refuseAsked(options, 'status')
      return await (await import('../commands/restore.ts')).restoreStatus(context, id)
    },
    restore,
  )
  command(
    'list',
    'what was asked to be restored, newest first',
    (one) => one.addOption(new Option('-l, --limit <count>', 'at most so many').argParser(wholeNumber).default(20)),
    async (context, _words, options) => await (await import('../commands/restore.ts')).restoreList(context, options),
    restore,
  )
  command(
    'resume [restore]',
    'go on with a restore that was cut off (the newest, unless named)',
    plain,
    async (context, [id], options) => {
      refuseAsked(options, 'resume')
      return await (await import('../commands/restore.ts')).restoreResume(context, id)
    },
    restore,
  )
  command(
    'acknowledge [restore]',
    'you have seen to what could not be undone: it may be restored again',
    plain,
    async (context, [id], options) => {
      refuseAsked(options, 'acknowledge')
      return await (await import('../commands/restore.ts')).restoreAcknowledge(context, id)
    },
    restore,
  )
}

/** `restore` takes its options wherever they stand; who names somebody with a plan that was made already is told that it does not count. */
function refuseAsked(options: Readonly<Record<string, unknown>>, subcommand: string): void {
  const names = Object.keys(options).filter((name) => !['yes', 'settings', 'json'].includes(name))
  const [name] = names
  if (name === undefined) return
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw new TorikiError('usage', {
    message: `\`restore ${subcommand}\` does what was planned: ${option} has no place there.`,
    remedy: 'Make another plan with `toriki restore plan`.',
  })
}

function asked(one: Command): Command {
  return one
    .option('-u, --user <name>', 'this person: account and home (again for more)', gather)
    .option('-g, --group <name>', 'this group, by leaf or path (again for more)', gather)
    .option('--shared', 'the shared state: realm, roles, groups, clients …')
    .option('--all', 'everybody, every group, and the shared state')
    .option('-p, --path <path>', 'only this file, folder, key or pattern (again for more)', gather)
    .option('-c, --component <name>', 'only this component (again for more)', gather)
    .option('--snapshot <id>', 'from this one (else the newest that is to be believed)')
    .option('--at <time>', 'as of this time (2026-11-21T02:00:00Z) or day')
    .option('--as <name>', 'the one user under this name')
    .option('--target <settings>', 'into the deployment of these settings')
    .option('--map <file>', 'names, groups and owners that are others there')
    .option('--in-place', 'over the files that are there, instead of beside them')
    .option('--while-running', 'with --in-place: although the person’s server runs')
    .option('--delete-extra', 'with --in-place: also delete what is not in the snapshot')
    .option('--privileged', 'also give back rights to administrate')
    .option('--installer-owned', 'also write what the installer owns, not only compare it')
}
