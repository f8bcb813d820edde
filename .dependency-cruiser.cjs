/**
 * The arrows of the design (docs/architecture.md) as rules. Type imports count: a cycle of types is a cycle.
 * `e2e/tidy/arrows.test.ts` proves that each rule can fail.
 */

const TEST_FILE = '\\.(test|contract)\\.tsx?$';
const MODULE_PARENTS = '(agent/src/core|fleet/src)';
/** npm packages that the portable core may use: they name neither Node nor the DOM. */
const PORTABLE_PACKAGES = 'node_modules/(zod|cborg|fflate|jose|@marcbachmann/cel-js|fastest-levenshtein|@noble/hashes)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'A circle means that two files are one idea, or that a type lives above its users: move it below them.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'not-to-unresolvable',
      comment: 'The import leads nowhere: a typing mistake, a missing dependency, or a path that package.json#exports keeps closed.',
      severity: 'error',
      from: {},
      // `?url` is asked of the bundler: it fails there if the file is not.
      to: { couldNotResolve: true, pathNot: '[?&]url$' },
    },
    {
      name: 'shared-imports-none-of-ours',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '^(device-profiles|agent|fleet|firmware-images|e2e)/' },
    },
    {
      name: 'device-profiles-import-only-shared',
      severity: 'error',
      from: { path: '^device-profiles/' },
      to: { path: '^(agent|fleet|firmware-images|e2e)/' },
    },
    {
      name: 'agent-imports-only-shared',
      comment: 'The agent and the fleet meet on the wire, never in code. Power models reach the agent in its desired state.',
      severity: 'error',
      from: { path: '^agent/' },
      to: { path: '^(device-profiles|fleet|firmware-images|e2e)/' },
    },
    {
      name: 'fleet-never-imports-agent',
      severity: 'error',
      from: { path: '^fleet/' },
      to: { path: '^(agent|firmware-images|e2e)/' },
    },
    {
      name: 'core-never-sees-an-edge',
      severity: 'error',
      from: { path: '^agent/src/core/' },
      to: { path: '^agent/src/(node|browser)/' },
    },
    {
      name: 'edges-never-meet',
      severity: 'error',
      from: { path: '^agent/src/(node|browser)/' },
      to: { path: '^agent/src/(node|browser)/', pathNot: '^agent/src/$1/' },
    },
    {
      name: 'portable-code-uses-no-builtin',
      comment: 'shared and the core run in browsers too: what Node offers enters through a port.',
      severity: 'error',
      from: { path: '^(shared/src|agent/src/core)/', pathNot: TEST_FILE },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'portable-code-uses-portable-packages',
      severity: 'error',
      from: { path: '^(shared/src|agent/src/core)/', pathNot: TEST_FILE },
      to: { path: 'node_modules/', pathNot: PORTABLE_PACKAGES },
    },
    {
      name: 'dashboard-imports-only-shared',
      severity: 'error',
      from: { path: '^fleet/dashboard/' },
      to: { path: '^(agent|device-profiles|firmware-images|e2e|fleet/src)/' },
    },
    {
      name: 'fleet-never-imports-dashboard',
      comment: 'The fleet serves the built files; it does not know the sources.',
      severity: 'error',
      from: { path: '^fleet/src/' },
      to: { path: '^fleet/dashboard/' },
    },
    {
      name: 'tables-belong-to-stores',
      comment: "A table is read and written by its module's store.ts alone. Ask the owning module through its index.ts.",
      severity: 'error',
      from: { path: '^fleet/', pathNot: ['^fleet/src/db/', '(^|[/-])store\\.ts$', TEST_FILE] },
      to: { path: '^fleet/src/db/schema/' },
    },
    {
      name: 'module-only-through-its-index',
      comment:
        'From one module to another: only through index.ts (a folder inside a module may have its own). Ports are imported file by file; tables have a rule of their own.',
      severity: 'error',
      from: { path: `^${MODULE_PARENTS}/([^/]+)/`, pathNot: TEST_FILE },
      to: {
        path: `^${MODULE_PARENTS}/[^/]+/`,
        pathNot: ['^$1/$2/', '/index\\.ts$', '^agent/src/core/ports/', '^fleet/src/db/schema/'],
      },
    },
    {
      name: 'module-only-through-its-index-from-outside',
      comment: 'From files that belong to no module (entries, edges, the dashboard): only through index.ts.',
      severity: 'error',
      from: { path: '^(agent|fleet)/', pathNot: [`^${MODULE_PARENTS}/[^/]+/`, TEST_FILE] },
      to: {
        path: `^${MODULE_PARENTS}/[^/]+/`,
        pathNot: ['/index\\.ts$', '^agent/src/core/ports/', '^fleet/src/db/schema/'],
      },
    },
    {
      name: 'ports-know-only-ports',
      comment: 'Everything in the core imports ports, so ports import nothing of the core.',
      severity: 'error',
      from: { path: '^agent/src/core/ports/', pathNot: TEST_FILE },
      to: { path: '^agent/src/core/', pathNot: '^agent/src/core/ports/' },
    },
    {
      name: 'link-knows-no-handler',
      comment: 'agent.ts registers the handlers with the inbox, so that nothing points back up from the link.',
      severity: 'error',
      from: { path: '^agent/src/core/link/', pathNot: TEST_FILE },
      to: { path: '^agent/src/core/(commands|reconcile|blobs|sessions|pipelines|experiments|monitors|spool)/' },
    },
    {
      name: 'product-imports-no-test',
      severity: 'error',
      from: { path: '^(shared|device-profiles|agent|fleet)/', pathNot: TEST_FILE },
      to: { path: TEST_FILE },
    },
    {
      name: 'product-uses-no-development-dependency',
      comment: 'What ships is installed without development dependencies.',
      severity: 'error',
      from: { path: '^(shared|device-profiles|agent|fleet)/src/', pathNot: TEST_FILE },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.starling|\\.cache)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.tsx', '.d.ts', '.js', '.mjs', '.cjs', '.json', '.css', '.svg'],
    },
    skipAnalysisNotInRules: true,
  },
};
