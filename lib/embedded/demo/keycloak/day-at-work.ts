interface Workplace {
  readonly userNames: readonly string[]
  change(username: string, patch: object): void
  join(username: string, ...path: readonly string[]): void
  add(username: string): void
  remove(username: string): void
}

/** What a day at work changes, in words: an address, a group, a role, a person who joins and one who leaves. */
export function changeAFewThings(demo: Workplace): readonly string[] {
  const [first = '', second = '', third = ''] = demo.userNames
  const leaving = demo.userNames.at(-1) ?? ''
  const changes: string[] = []
  demo.change(first, { email: `${first}@institute.example.org` })
  changes.push(`${first} has another e-mail address`)
  if (second !== '') {
    demo.join(second, 'projects', 'p1')
    changes.push(`${second} joined the group /projects/p1`)
  }
  if (third !== '' && third !== leaving) {
    demo.change(third, { clientRoles: { jupyterhub: ['my-perm'] } })
    changes.push(`${third} may share servers (role my-perm of jupyterhub)`)
  }
  demo.add('newcomer')
  changes.push('newcomer has an account')
  if (demo.userNames.length > 4) {
    demo.remove(leaving)
    changes.push(`${leaving} has left: the account and the home are deleted`)
  }
  return changes
}
