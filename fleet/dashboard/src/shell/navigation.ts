import type { Role } from '@starling/shared';
import {
  type Icon,
  IconArrowRampRight,
  IconCpu,
  IconCube,
  IconFlask,
  IconFolders,
  IconHammer,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconMap2,
  IconPackage,
  IconPlugConnected,
  IconRefresh,
  IconRoute,
  IconSend,
  IconSettings,
} from '@tabler/icons-react';

interface Place {
  to:
    | '/'
    | '/map'
    | '/devices'
    | '/groups'
    | '/rollouts'
    | '/experiments'
    | '/commands'
    | '/agents'
    | '/keys'
    | '/models'
    | '/builds'
    | '/pipelines'
    | '/releases'
    | '/enrolment'
    | '/audit'
    | '/settings';
  label: string;
  icon: Icon;
  needs: Role;
}

/** The places of the dashboard, in the order in which a fleet is looked after. */
export const places: readonly { title: string; places: readonly Place[] }[] = [
  {
    title: 'Fleet',
    places: [
      { to: '/', label: 'Overview', icon: IconLayoutDashboard, needs: 'viewer' },
      { to: '/map', label: 'Map', icon: IconMap2, needs: 'viewer' },
      { to: '/devices', label: 'Devices', icon: IconCpu, needs: 'viewer' },
      { to: '/groups', label: 'Groups', icon: IconFolders, needs: 'viewer' },
      { to: '/rollouts', label: 'Rollouts', icon: IconArrowRampRight, needs: 'viewer' },
      { to: '/experiments', label: 'Experiments', icon: IconFlask, needs: 'viewer' },
      { to: '/commands', label: 'Commands', icon: IconSend, needs: 'viewer' },
      { to: '/agents', label: 'Agents', icon: IconRefresh, needs: 'viewer' },
      { to: '/enrolment', label: 'Enrolment', icon: IconPlugConnected, needs: 'operator' },
    ],
  },
  {
    title: 'Catalogue',
    places: [
      { to: '/models', label: 'Models', icon: IconCube, needs: 'viewer' },
      { to: '/builds', label: 'Builds', icon: IconHammer, needs: 'viewer' },
      { to: '/pipelines', label: 'Pipelines', icon: IconRoute, needs: 'viewer' },
      { to: '/releases', label: 'Releases', icon: IconPackage, needs: 'viewer' },
    ],
  },
  {
    title: 'Organisation',
    places: [
      { to: '/keys', label: 'Keys', icon: IconKey, needs: 'viewer' },
      { to: '/audit', label: 'Audit', icon: IconHistory, needs: 'operator' },
      { to: '/settings', label: 'Settings', icon: IconSettings, needs: 'viewer' },
    ],
  },
];
