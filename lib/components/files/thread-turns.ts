/**
 * Where hundreds of calls a thread come back from another machine, the system lets each thread that wakes interrupt the one that woke it: they stand in each other's way at every lock, at
 * several times the price of the calls themselves. As batch work (`SCHED_BATCH`) a thread that wakes waits for its turn. That is so as long as the processor has time to spare: beside
 * others who want it, waiting for one's turn costs more than it gains.
 */
import { readdirSync } from 'node:fs'
import { cpus } from 'node:os'

const NUMBERS: Readonly<Record<string, { readonly set: number; readonly get: number }>> = {
  x64: { set: 144, get: 145 },
  arm64: { set: 119, get: 120 },
}
const OTHER = 0
const BATCH = 3
const NO_PRIORITY = Buffer.alloc(4)
/** Judged over no less, in milliseconds of all processors: the system counts in hundredths of a second. */
const JUDGED_MS = 400
/** Of all processors; what others take beyond it is competition. */
const OTHERS_SHARE_MAX = 0.25

export interface ThreadTurns {
  /** From here on, until `end`. Threads of a process that was started otherwise than usual stay as they are. */
  begin(): Turns
}

export interface Turns {
  /** Asked now and then: is there still time to spare, or again? */
  look(): void
  /** As it was, when the last of this thread has ended. */
  end(): void
}

/** Of the whole machine and of this process, in milliseconds. */
export interface ProcessorTimes {
  readonly busy: number
  readonly idle: number
  readonly own: number
}

export function bindTurns(
  libc: ReturnType<typeof import('koffi').default.load>,
  times: () => ProcessorTimes = processorTimes,
): ThreadTurns {
  const set = libc.func('long syscall(long number, long thread, long policy, void *priority)')
  const get = libc.func('long syscall(long number, long thread)')
  const numbers = NUMBERS[process.arch]
  const policy = (thread: number): number => (numbers === undefined ? -1 : Number(get(numbers.get, thread)))
  /** What cannot be changed, or has just ended, stays: that costs time and nothing else. */
  const change = (from: number, to: number): void => {
    if (numbers === undefined) return
    for (const thread of threads()) if (policy(thread) === from) set(numbers.set, thread, to, NO_PRIORITY)
  }
  let users = 0
  let areTaken = false
  let last: ProcessorTimes | undefined
  const take = (isWanted: boolean): void => {
    if (isWanted === areTaken || (isWanted && policy(0) !== OTHER)) return
    areTaken = isWanted
    change(isWanted ? OTHER : BATCH, isWanted ? BATCH : OTHER)
  }
  const look = (): void => {
    const now = times()
    last ??= now
    const busy = now.busy - last.busy
    const all = busy + now.idle - last.idle
    if (all < JUDGED_MS) return
    take(busy - (now.own - last.own) <= all * OTHERS_SHARE_MAX)
    last = now
  }
  return {
    begin() {
      if (users++ === 0) last = undefined
      look()
      let isEnded = false
      return {
        look,
        end() {
          if (isEnded) return
          isEnded = true
          if (--users === 0) take(false)
        },
      }
    },
  }
}

function processorTimes(): ProcessorTimes {
  let [busy, idle] = [0, 0]
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  const { user, system } = process.cpuUsage()
  return { busy, idle, own: (user + system) / 1000 }
}

function threads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return [] // no /proc here
  }
}
