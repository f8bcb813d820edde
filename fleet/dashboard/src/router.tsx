import { StarlingError } from '@starling/shared';
import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { z } from 'zod';
import { whoAmI } from './data/session.ts';
import { buildsSearchSchema } from './pages/builds/search.ts';
import { batchSearchSchema, newBatchSearchSchema } from './pages/commands/search.ts';
import { deviceSearchSchema } from './pages/device/search.ts';
import { devicesSearchSchema } from './pages/devices/search.ts';
import { experimentSearchSchema, experimentsSearchSchema, newExperimentSearchSchema } from './pages/experiments/search.ts';
import { mapSearchSchema } from './pages/fleet-map/search.ts';
import { modelSearchSchema } from './pages/model/search.ts';
import { NotFoundPage } from './pages/not-found/not-found-page.tsx';
import { editorSearchSchema } from './pages/pipeline-editor/search.ts';
import { newRolloutSearchSchema, rolloutSearchSchema, rolloutsSearchSchema } from './pages/rollouts/search.ts';
import { listSearchSchema } from './parts/list-search.ts';
import { PageProblem } from './parts/page-problem.tsx';
import { PageSkeleton } from './parts/page-skeleton.tsx';
import { Opening } from './shell/opening.tsx';
import { Shell } from './shell/shell.tsx';

/**
 * The program of a page comes from the fleet when the page is opened. Where it does not come, the router's own remedy is to load the
 * window again, which puts the browser's page for a server that is away in the place of ours.
 */
function fetched<Module>(load: () => Promise<Module>): () => Promise<Module> {
  return () =>
    load().catch((cause: unknown) => {
      // In words of its own: the router knows a failed import by its message.
      throw new StarlingError('page-not-fetched', 'the program of this page could not be fetched', { cause });
    });
}

const rootRoute = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  pendingComponent: Opening,
  notFoundComponent: NotFoundPage,
});

const login = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: z.object({ next: z.string().optional().catch(undefined) }),
  component: lazyRouteComponent(
    fetched(() => import('./pages/login/login-page.tsx')),
    'LoginPage',
  ),
  pendingComponent: Opening,
});

const shell = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    const actor = await context.queries.ensureQueryData(whoAmI()).catch((error: unknown) => {
      if ((error as { code?: string }).code === 'not-signed-in') return undefined;
      throw error;
    });
    if (actor === undefined) throw redirect({ to: '/login', search: { next: location.href }, replace: true });
  },
  component: Shell,
  pendingComponent: Opening,
});
const under = { getParentRoute: () => shell };

// Each route has a name of its own: types of routes made inside the tree are lost.
const overview = createRoute({
  ...under,
  path: '/',
  component: lazyRouteComponent(
    fetched(() => import('./pages/overview/overview-page.tsx')),
    'OverviewPage',
  ),
});
const devices = createRoute({
  ...under,
  path: '/devices',
  validateSearch: devicesSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/devices/devices-page.tsx')),
    'DevicesPage',
  ),
});
const map = createRoute({
  ...under,
  path: '/map',
  validateSearch: mapSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/fleet-map/map-page.tsx')),
    'MapPage',
  ),
});
const device = createRoute({
  ...under,
  path: '/devices/$id',
  validateSearch: deviceSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/device/device-page.tsx')),
    'DevicePage',
  ),
});
const models = createRoute({
  ...under,
  path: '/models',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/models/models-page.tsx')),
    'ModelsPage',
  ),
});
const model = createRoute({
  ...under,
  path: '/models/$digest',
  validateSearch: modelSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/model/model-page.tsx')),
    'ModelPage',
  ),
});
const builds = createRoute({
  ...under,
  path: '/builds',
  validateSearch: buildsSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/builds/builds-page.tsx')),
    'BuildsPage',
  ),
});
const pipelines = createRoute({
  ...under,
  path: '/pipelines',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/pipelines/pipelines-page.tsx')),
    'PipelinesPage',
  ),
});
const pipeline = createRoute({
  ...under,
  path: '/pipelines/$digest',
  component: lazyRouteComponent(
    fetched(() => import('./pages/pipelines/pipeline-page.tsx')),
    'PipelinePage',
  ),
});
const pipelineEditor = createRoute({
  ...under,
  path: '/pipelines/new',
  validateSearch: editorSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/pipeline-editor/editor-page.tsx')),
    'EditorPage',
  ),
});
const releases = createRoute({
  ...under,
  path: '/releases',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/releases/releases-page.tsx')),
    'ReleasesPage',
  ),
});
const release = createRoute({
  ...under,
  path: '/releases/$digest',
  component: lazyRouteComponent(
    fetched(() => import('./pages/releases/release-page.tsx')),
    'ReleasePage',
  ),
});
const groups = createRoute({
  ...under,
  path: '/groups',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/groups/groups-page.tsx')),
    'GroupsPage',
  ),
});
const rollouts = createRoute({
  ...under,
  path: '/rollouts',
  validateSearch: rolloutsSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/rollouts/rollouts-page.tsx')),
    'RolloutsPage',
  ),
});
const experiments = createRoute({
  ...under,
  path: '/experiments',
  validateSearch: experimentsSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/experiments/experiments-page.tsx')),
    'ExperimentsPage',
  ),
});
const experiment = createRoute({
  ...under,
  path: '/experiments/$id',
  validateSearch: experimentSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/experiments/experiment-page.tsx')),
    'ExperimentPage',
  ),
});
const newExperiment = createRoute({
  ...under,
  path: '/experiments/new',
  validateSearch: newExperimentSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/experiments/new-experiment-page.tsx')),
    'NewExperimentPage',
  ),
});
const newRollout = createRoute({
  ...under,
  path: '/rollouts/new',
  validateSearch: newRolloutSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/rollouts/new-rollout-page.tsx')),
    'NewRolloutPage',
  ),
});
const rollout = createRoute({
  ...under,
  path: '/rollouts/$id',
  validateSearch: rolloutSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/rollouts/rollout-page.tsx')),
    'RolloutPage',
  ),
});
const commands = createRoute({
  ...under,
  path: '/commands',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/commands/batches-page.tsx')),
    'BatchesPage',
  ),
});
const newCommand = createRoute({
  ...under,
  path: '/commands/new',
  validateSearch: newBatchSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/commands/new-batch-page.tsx')),
    'NewBatchPage',
  ),
});
const command = createRoute({
  ...under,
  path: '/commands/$id',
  validateSearch: batchSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/commands/batch-page.tsx')),
    'BatchPage',
  ),
});
const agents = createRoute({
  ...under,
  path: '/agents',
  component: lazyRouteComponent(
    fetched(() => import('./pages/agents/agents-page.tsx')),
    'AgentsPage',
  ),
});
const keys = createRoute({
  ...under,
  path: '/keys',
  component: lazyRouteComponent(
    fetched(() => import('./pages/keys/keys-page.tsx')),
    'KeysPage',
  ),
});
const enrolment = createRoute({
  ...under,
  path: '/enrolment',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/enrolment/enrolment-page.tsx')),
    'EnrolmentPage',
  ),
});
const audit = createRoute({
  ...under,
  path: '/audit',
  validateSearch: listSearchSchema,
  component: lazyRouteComponent(
    fetched(() => import('./pages/audit/audit-page.tsx')),
    'AuditPage',
  ),
});
const settings = createRoute({
  ...under,
  path: '/settings',
  component: lazyRouteComponent(
    fetched(() => import('./pages/settings/settings-page.tsx')),
    'SettingsPage',
  ),
});

const inShell = [
  overview,
  map,
  devices,
  device,
  groups,
  models,
  model,
  builds,
  pipelines,
  pipelineEditor,
  pipeline,
  releases,
  release,
  rollouts,
  newRollout,
  rollout,
  experiments,
  newExperiment,
  experiment,
  commands,
  newCommand,
  command,
  agents,
  keys,
  enrolment,
  audit,
  settings,
] as const;
const routeTree = rootRoute.addChildren([login, shell.addChildren(inShell)]);

export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    context: { queries },
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultErrorComponent: PageProblem,
    defaultPendingComponent: PageSkeleton,
    defaultPendingMs: 150,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
