// Who may import whom. Each rule's comment is the sentence a breach is answered with; test/unit/architecture.test.ts runs the rules over the tree and
// proves over test/fixtures/architecture that each of them bites.

// restore-errors is a part of the catalogue in errors, which would be too long.
const groundFloor = '^lib/(assert|errors|limits|log|restore-errors)\\.ts$'
const resources = '^lib/resources/'
const ports = '^lib/platform/([^/]+/port|clock|random|metrics|platform|threads)\\.ts$'
// An overlay is laid over any store by whoever looks at what would be written: it is as open as a port.
const drivers = '^lib/platform/[^/]+/(?!port\\.ts$|overlay\\.ts$)'
const assembly = '^lib/platform/assemble[.]ts$'
const serviceAssembly = '^lib/assemble-(service|invocation|restore|queued-restore)[.]ts$'
const settings = '^lib/settings[-a-z]*(/|[.]ts$)'
const house = '^(lib|functions|bin|infra)/'

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const forbidden = [
  {
    name: 'ground-floor',
    comment: 'errors, limits, log and assert are what everything stands on: they import nothing of the house.',
    from: { path: groundFloor },
    to: { path: house, pathNot: '^lib/restore-errors[.]ts$' },
  },
  {
    name: 'resources-are-pure',
    comment:
      'lib/resources is shared by backup, plan, verify and diff because it knows none of them: it imports only errors, limits, log and itself.',
    from: { path: resources },
    to: { path: house, pathNot: [resources, groundFloor] },
  },
  {
    name: 'settings-know-no-room',
    comment:
      'Settings are plain data that every edge can read: lib/settings imports only errors, limits, log and resources.',
    from: { path: settings },
    to: { path: house, pathNot: [settings, resources, groundFloor] },
  },
  {
    name: 'settings-stay-at-the-edge',
    comment:
      'A use case takes what it needs as arguments: only components, the assembly, functions, api, cli and embedded know the settings.',
    from: { path: '^lib/(repository|runs|access|messages|backup|restore|maintenance)(/|\\.ts$)' },
    to: { path: settings },
  },
  {
    name: 'ports-are-promises',
    comment:
      'A platform port says what the house asks of the world: it imports only errors, limits, log, resources and other ports, never a driver.',
    from: { path: ports },
    to: { path: house, pathNot: [ports, resources, groundFloor] },
  },
  {
    name: 'platform-knows-no-room',
    comment:
      'Drivers and wrappers serve every room alike: lib/platform imports only errors, limits, log, resources and itself; its assembly also the settings.',
    from: { path: '^lib/platform/' },
    to: { path: house, pathNot: ['^lib/platform/', resources, groundFloor, settings] },
  },
  {
    name: 'only-the-assembly-reads-settings',
    comment:
      'A driver takes its address as an argument, so that tests and tools can give another: only lib/platform/assemble reads the settings.',
    from: { path: '^lib/platform/', pathNot: [assembly] },
    to: { path: settings },
  },
  {
    name: 'rooms-side-by-side',
    comment:
      'components, repository, runs, access and messages never import each other or anything above them: backup, restore and maintenance bring them together.',
    from: { path: '^lib/(components|repository|runs|access|messages)(?:/|\\.ts$)' },
    to: { path: house, pathNot: ['^lib/$1(/|\\.ts$)', '^lib/platform/', resources, groundFloor, settings] },
  },
  {
    name: 'components-are-strangers',
    comment:
      'A component can be added, changed or removed alone: no component imports another, nor the registry that lists them.',
    from: { path: '^lib/components/([^/]+)/' },
    to: { path: '^lib/components/([^/]+/|registry\\.ts$)', pathNot: ['^lib/components/$1/'] },
  },
  {
    name: 'components-through-the-registry',
    comment:
      'Everybody else sees a component by its port: only lib/components/registry names a component, its client and its files; and the program of a thread that reads files, which has no use for the others.',
    from: { path: house, pathNot: ['^lib/components/', '^lib/chunk-thread[.]ts$'] },
    to: { path: '^lib/components/[^/]+/' },
  },
  {
    name: 'drivers-through-the-assembly',
    comment:
      'Everybody else sees a driver by its port: only the assemblies, lib/platform/assemble and lib/assemble-…, name drivers and wrappers.',
    from: { path: house, pathNot: ['^lib/platform/', serviceAssembly] },
    to: { path: drivers },
  },
  {
    name: 'assembled-at-the-door',
    comment:
      'A use case is given its platform and its components: only functions, api, cli, embedded and doctor call the assembly and the registry.',
    from: { path: '^lib/(repository|runs|access|messages|backup|restore|maintenance|resources)(/|\\.ts$)' },
    to: { path: [assembly, serviceAssembly, '^lib/components/registry\\.ts$', '^lib/doctor/'] },
  },
  {
    name: 'backup-writes-nothing-live',
    comment:
      'What backs up holds no code that writes to a live system: lib/backup never imports lib/restore or lib/maintenance.',
    from: { path: '^lib/backup/' },
    to: { path: '^lib/(restore|maintenance)/' },
  },
  {
    name: 'restore-maintains-nothing',
    comment:
      'A drill restores, a restore never forgets or prunes: lib/maintenance imports lib/restore, never the other way round.',
    from: { path: '^lib/restore/' },
    to: { path: '^lib/maintenance/' },
  },
  {
    name: 'use-cases-know-no-door',
    comment:
      'backup, restore and maintenance are called by functions, api, cli, console and embedded, and know none of them.',
    from: { path: '^lib/(backup|restore|maintenance)/' },
    to: { path: '^(functions|bin|lib/(api|cli|console|embedded))/' },
  },
  {
    name: 'doctor-stands-behind-the-doors',
    comment:
      'What doctor tries is printed by a command and answered by a function: lib/doctor is imported by functions, api, cli and embedded, and knows none of them.',
    from: { path: '^lib/doctor/' },
    to: { path: '^(functions|bin|lib/(api|cli|console|embedded))/' },
  },
  {
    name: 'only-embedded-imports-functions',
    comment: 'Functions are started by events: only lib/embedded, which plays the event source, imports them.',
    from: { path: '^(lib|bin|infra)/', pathNot: ['^lib/embedded/'] },
    to: { path: '^functions/' },
  },
  {
    name: 'embedded-is-the-roof',
    comment:
      'lib/embedded is the whole service on one machine, and puts the others together: functions, api, cli and console, which also run without it, never import it.',
    from: { path: '^(functions|lib/(api|cli|console))/' },
    to: { path: '^lib/embedded/' },
  },
  {
    name: 'doors-side-by-side',
    comment: 'functions, api and console answer without a terminal: they never import lib/cli.',
    from: { path: '^(functions|lib/(api|console))/' },
    to: { path: '^lib/cli/' },
  },
  {
    name: 'nothing-imports-tests',
    comment: 'What is shipped stands without its tests: nothing in lib, functions, bin or infra imports test.',
    from: { path: house },
    to: { path: '^test/' },
  },
  {
    name: 'aws-sdk-in-drivers',
    comment: "Only a platform driver, lib/platform/…/aws.ts, names a supplier's SDK: the rest runs on any platform.",
    from: { path: house, pathNot: ['^lib/platform/[^/]+/aws\\.ts$'] },
    to: { path: '(^|node_modules/)@(aws-sdk|smithy|aws-crypto)/' },
  },
  {
    name: 'powertools-in-lambda-drivers',
    comment:
      'Lambda is one host of several: only lib/platform/lambda names Powertools, and lib/backup/receive-batch its partial response to a batch.',
    from: { path: house, pathNot: ['^lib/platform/lambda/', '^lib/backup/receive-batch\\.ts$'] },
    to: { path: '(^|node_modules/)@aws-lambda-powertools/' },
  },
  {
    name: 'keycloak-in-its-component',
    comment: 'Only lib/components/keycloak talks to Keycloak and to its database.',
    from: { path: house, pathNot: ['^lib/components/keycloak/'] },
    to: { path: '(^|node_modules/)(pg|@types/pg|@keycloak/keycloak-admin-client)(/|$)' },
  },
  {
    name: 'native-calls-in-files',
    comment: 'Native calls can end the process: koffi is used only by lib/components/files, behind its plain fallback.',
    from: { path: house, pathNot: ['^lib/components/files/'] },
    to: { path: '(^|node_modules/)koffi(/|$)' },
  },
  {
    name: 'sqlite-in-the-local-queue',
    comment:
      'SQLite is how the queue on this machine keeps its promises, and nothing else: only lib/platform/queue/local uses node:sqlite.',
    from: { path: house, pathNot: ['^lib/platform/queue/local'] },
    to: { path: '^(node:)?sqlite$' },
  },
  {
    name: 'shipped-needs-no-dev-package',
    comment:
      'What is shipped runs after "npm ci --omit=dev": a package it imports is a dependency, not a devDependency.',
    from: { path: house, pathNot: ['^infra/'] },
    to: { dependencyTypes: ['npm-dev'], pathNot: ['(^|/)@types/'] },
  },
  {
    name: 'no-cycles',
    comment: 'Files that import each other in a circle can only be understood, tested and changed together.',
    from: { path: house },
    to: { circular: true },
  },
]

export default {
  forbidden: forbidden.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    parser: 'swc',
    // Types too: what a file must know to be understood is a dependency.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
