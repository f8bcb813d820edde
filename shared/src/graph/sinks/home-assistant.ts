import { z } from 'zod';
import { nameSchema } from '../../ids.ts';
import { brokerParams } from '../connection.ts';
import type { SinkSignature } from '../signature.ts';

const template = z
  .string()
  .min(1)
  .max(2000)
  .meta({ description: 'Template of Home Assistant over the value, e.g. {{ value_json.count }}' });

const entityBase = {
  name: z.string().min(1).max(200).optional().meta({ description: 'As people see it; without it that of the entry' }),
  icon: z
    .string()
    .regex(/^[a-z]+:[a-z0-9-]+$/, 'write an icon such as mdi:cctv')
    .optional(),
  category: z.enum(['diagnostic']).optional().meta({ description: 'Set for what is about the device itself' }),
};

const deviceClass = z.string().regex(/^[a-z0-9_]{1,64}$/, 'write a device class of Home Assistant, e.g. motion');
const expireAfterS = z
  .number()
  .int()
  .positive()
  .max(31_536_000)
  .optional()
  .meta({ description: 'Seconds after which the state counts as unknown when no value comes' });

const entitySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sensor'),
    ...entityBase,
    valueTemplate: template.optional(),
    deviceClass: deviceClass.optional(),
    stateClass: z.enum(['measurement', 'total', 'total_increasing']).optional(),
    unit: z.string().max(50).optional().meta({ description: 'Unit of measurement' }),
    precision: z.number().int().min(0).max(10).optional().meta({ description: 'Decimals that are shown' }),
    expireAfterS,
    attributes: z.boolean().default(false).meta({ description: 'The whole value is shown among the attributes of the entity' }),
  }),
  z.strictObject({
    kind: z.literal('binary_sensor'),
    ...entityBase,
    valueTemplate: template.meta({ description: "Template that gives ON or OFF, e.g. {{ 'ON' if value_json.count > 0 else 'OFF' }}" }),
    deviceClass: deviceClass.optional(),
    expireAfterS,
    offDelayS: z.number().int().positive().max(86_400).optional().meta({ description: 'Seconds after which it is off again by itself' }),
  }),
  z.strictObject({ kind: z.literal('image'), ...entityBase }).meta({ description: 'The newest picture of the port `image`' }),
  z.strictObject({ kind: z.literal('camera'), ...entityBase }).meta({ description: 'The port `image` as a camera' }),
  z
    .strictObject({
      kind: z.literal('device_tracker'),
      ...entityBase,
      attributesTemplate: template.optional().meta({
        description: 'Template that gives JSON with latitude, longitude and gps_accuracy, or in_zones; without it the value itself',
      }),
    })
    .meta({ description: 'Where something is' }),
]);

const homeAssistantParams = z.strictObject({
  ...brokerParams,
  discoveryPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, 'write the prefix that is set in Home Assistant')
    .default('homeassistant'),
  baseTopic: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, 'use letters, digits, _ and -, with / between levels')
    .default('starling')
    .meta({ description: 'Topic below which states are published, as BASE/DEVICE/PIPELINE-NODE/...' }),
  device: z
    .strictObject({
      name: z.string().min(1).max(200).optional().meta({ description: 'As people see it; without it "Starling" and the start of the id' }),
      model: z.string().max(200).optional(),
      manufacturer: z.string().max(200).default('Starling'),
      area: z.string().max(200).optional().meta({ description: 'Area that Home Assistant suggests' }),
    })
    .default({ manufacturer: 'Starling' }),
  entities: z
    .record(nameSchema, entitySchema)
    .refine((entities) => Object.keys(entities).length > 0, 'name at least one entity')
    .meta({ description: 'Entities by name; they follow the ports `value` and `image`' }),
});
export type HomeAssistantEntity = z.output<typeof entitySchema>;

export const homeAssistantSinks = {
  'home-assistant': {
    name: 'home-assistant',
    version: 1,
    summary: 'Makes entities of Home Assistant by MQTT discovery, and keeps their states',
    inputs: { value: 'any', image: 'any' },
    optional: ['value', 'image'],
    params: homeAssistantParams,
    isLocal: false,
  },
} as const satisfies Record<string, SinkSignature>;
