/** The part of the catalogue of errors that is about restoring (`errors.ts`). */
export const restoreErrors = {
  'restore-not-found': {
    retry: 'never',
    message: 'There is no such restore plan.',
    remedy: 'Make one with `toriki restore plan`.',
  },
  'restore-not-planned': {
    retry: 'later',
    message: 'The restore is not planned to its end, or nobody asked to apply it.',
    remedy: 'Run `toriki restore apply PLAN`.',
  },
  'restore-invalid': {
    retry: 'never',
    message: 'What is asked to be restored makes no sense as it stands.',
    remedy: 'Ask again, as the message says.',
  },
  'restore-other-target': {
    retry: 'never',
    message: 'The restore was planned for another deployment than this one.',
    remedy: 'Name the same settings with `--target` as when it was planned.',
  },
  'restore-plan-changed': {
    retry: 'never',
    message: 'The plan of a slice is not the one that was shown and agreed to.',
    remedy: 'Make a new plan, and look at it.',
  },
  'restore-waits': {
    retry: 'later',
    message: 'Shared state is restored first.',
    remedy: 'Nothing to do: it goes on by itself.',
  },
  'restore-shared-failed': {
    retry: 'never',
    message: 'Shared state could not be restored, so nobody else was touched.',
    remedy: 'Mend what is named for `shared`, and plan again.',
  },
  'restore-busy': {
    retry: 'later',
    message: 'Another restore has this slice.',
    remedy: 'Wait until it has ended; acknowledge it, if it could not be taken back.',
  },
  'restore-overtaken': {
    retry: 'now',
    message: 'Another worker has taken the step that this one was still writing for.',
    remedy: 'Nothing to do: it goes on from what the other one recorded.',
  },
  'restore-server-runs': {
    retry: 'never',
    message: 'A server of this person is running, and may write into the home while it is restored.',
    remedy:
      'Stop the server and plan again; or plan with `--while-running`; or without `--in-place`, beside what is there.',
  },
  'restore-server-unknown': {
    retry: 'later',
    message: 'Nobody could say whether a server of this person is running.',
    remedy: 'Mend `components.jupyterhub` and plan again; or plan with `--while-running`; or without `--in-place`.',
  },
  'restore-conflict': {
    retry: 'never',
    message: 'The live state is not what the plan saw.',
    remedy: 'Make a new plan, and look at what changed.',
  },
  'restore-damaged': {
    retry: 'never',
    message: 'What is stored of this is damaged.',
    remedy:
      'Run `toriki check --read-data`: it says what is hit. Restore that from an earlier snapshot (`--snapshot`, `--at`), or bring the damaged object back from a copy of the store.',
  },
  'restore-not-verified': {
    retry: 'never',
    message: 'What was restored does not read back as planned.',
    remedy: 'See the findings of the restore; it was taken back.',
  },
} as const
