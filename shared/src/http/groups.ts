import { z } from 'zod';
import { wallMsSchema } from '../ids.ts';
import { EXPRESSION_CHARACTERS_MAXIMUM } from '../limits.ts';
import type { Endpoint } from './endpoint.ts';
import { emptySchema, pageOf, pageQuerySchema } from './paging.ts';

/** Text that says which devices are meant; what is wrong in it is said by the fleet, with its place. */
export const selectSchema = z
  .string()
  .max(EXPRESSION_CHARACTERS_MAXIMUM)
  .meta({ description: 'Selector, in CEL', examples: ['site == "north" && agentVersion >= "1.4"'] });

export const groupNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'begins with a lower-case letter or digit and goes on with these and . _ -');

export const groupViewSchema = z.object({
  name: groupNameSchema,
  description: z.string(),
  select: selectSchema,
  devices: z.number().int().meta({ description: 'Devices that belong to it now' }),
  online: z.number().int(),
  usedBy: z.array(z.string()).meta({ description: 'What uses it, such as `group kitchens`; only without users it can be deleted' }),
  problem: z.string().nullable().meta({ description: 'Why it cannot be read any longer; then it has no devices' }),
  createdAtMs: wallMsSchema,
  changedAtMs: wallMsSchema,
  changedBy: z.string(),
});
export type GroupView = z.infer<typeof groupViewSchema>;

const descriptionSchema = z.string().max(500);

export const selectorCheckSchema = z.object({
  problem: z.object({ message: z.string(), start: z.number().int(), end: z.number().int(), hint: z.string().optional() }).nullable(),
  devices: z.number().int().meta({ description: 'Devices that it selects now; 0 with a problem' }),
  online: z.number().int(),
  total: z.number().int().meta({ description: 'All devices of the fleet' }),
});
export type SelectorCheck = z.infer<typeof selectorCheckSchema>;

export const selectorVocabularySchema = z.object({
  labels: z.record(z.string(), z.array(z.string())).meta({ description: 'Names of labels and their most frequent values' }),
  profiles: z.array(z.string()),
  releases: z.array(z.string()),
  agentVersions: z.array(z.string()),
  architectures: z.array(z.string()),
  providers: z.array(z.string()),
  groups: z.array(z.string()),
});

/** Names and values that occur in a fleet, for completion. */
export type SelectorVocabulary = z.infer<typeof selectorVocabularySchema>;

export const siteViewSchema = z.object({
  area: z.string().meta({ description: 'Value of the label `area`, empty without one' }),
  site: z.string(),
  devices: z.number().int(),
  online: z.number().int(),
  failed: z.number().int().meta({ description: 'Devices that do not run what they should' }),
});
export type SiteView = z.infer<typeof siteViewSchema>;

export const groupEndpoints = {
  listGroups: {
    method: 'get',
    path: '/groups',
    access: 'viewer',
    tag: 'groups',
    summary: 'List saved selectors, with how many devices belong to each now',
    query: pageQuerySchema.extend({ search: z.string().max(200).optional() }),
    response: pageOf(groupViewSchema),
  },
  showGroup: { method: 'get', path: '/groups/{name}', access: 'viewer', tag: 'groups', summary: 'One group', response: groupViewSchema },
  createGroup: {
    method: 'post',
    path: '/groups',
    access: 'operator',
    tag: 'groups',
    summary: 'Save a selector under a name',
    body: z.object({ name: groupNameSchema, description: descriptionSchema.default(''), select: selectSchema }),
    response: groupViewSchema,
  },
  changeGroup: {
    method: 'patch',
    path: '/groups/{name}',
    access: 'operator',
    tag: 'groups',
    summary: 'Change the selector or the description of a group',
    body: z.object({ description: descriptionSchema.optional(), select: selectSchema.optional() }),
    response: groupViewSchema,
  },
  deleteGroup: {
    method: 'delete',
    path: '/groups/{name}',
    access: 'operator',
    tag: 'groups',
    summary: 'Delete a group that nothing uses; its devices stay',
    response: emptySchema,
  },
  checkSelector: {
    method: 'post',
    path: '/selectors/check',
    access: 'viewer',
    changes: false,
    tag: 'groups',
    summary: 'What is wrong with a selector, or how many devices it selects now',
    body: z.object({
      select: selectSchema,
      group: groupNameSchema.optional().meta({ description: 'The group that it is for, so that a circle is told' }),
    }),
    response: selectorCheckSchema,
  },
  selectorVocabulary: {
    method: 'get',
    path: '/selectors/vocabulary',
    access: 'viewer',
    tag: 'groups',
    summary: 'Names and values that occur in this fleet, for completion',
    response: selectorVocabularySchema,
  },
  listSites: {
    method: 'get',
    path: '/sites',
    access: 'viewer',
    tag: 'groups',
    summary: 'Devices by their labels `area` and `site`',
    query: pageQuerySchema.extend({ area: z.string().max(200).optional() }),
    response: pageOf(siteViewSchema),
  },
} as const satisfies Record<string, Endpoint>;
