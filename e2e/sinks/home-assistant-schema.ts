/**
 * What Home Assistant takes by MQTT discovery, of the kinds of entities that we make. Written after its documentation
 * (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery, .../sensor.mqtt/, .../binary_sensor.mqtt/, .../image.mqtt/,
 * .../camera.mqtt/, .../device_tracker.mqtt/) and its code (homeassistant/components/mqtt/schemas.py and the file of each kind). Unknown
 * keys are dropped there without a word, so here they are a mistake.
 */
import { z } from 'zod';

/** Topic that may be subscribed to, without wildcards of ours. */
const topic = z.string().regex(/^[^+#]{1,65535}$/);
const template = z.string().regex(/\{\{.*\}\}|\{%.*%\}/s);
const positive = z.number().int().positive();

const device = z
  .strictObject({
    identifiers: z.array(z.string()).optional(),
    connections: z.array(z.tuple([z.string(), z.string()])).optional(),
    manufacturer: z.string().optional(),
    model: z.string().optional(),
    model_id: z.string().optional(),
    name: z.string().optional(),
    hw_version: z.string().optional(),
    serial_number: z.string().optional(),
    sw_version: z.string().optional(),
    via_device: z.string().optional(),
    suggested_area: z.string().optional(),
    configuration_url: z.string().optional(),
  })
  .refine(({ identifiers = [], connections = [] }) => identifiers.length + connections.length > 0, 'a device needs an identifying value');

const common = {
  name: z.string().nullable(),
  /** Optional there; without it an entity belongs to no device. */
  unique_id: z.string().min(1),
  device,
  origin: z.strictObject({ name: z.string(), sw_version: z.string().optional(), support_url: z.string().optional() }),
  availability: z.array(
    z.strictObject({
      topic,
      payload_available: z.string().optional(),
      payload_not_available: z.string().optional(),
      value_template: template.optional(),
    }),
  ),
  availability_mode: z.enum(['all', 'any', 'latest']).optional(),
  enabled_by_default: z.boolean().optional(),
  entity_category: z.enum(['config', 'diagnostic']).optional(),
  icon: z
    .string()
    .regex(/^[a-z]+:[a-z0-9-]+$/)
    .optional(),
  json_attributes_topic: topic.optional(),
  json_attributes_template: template.optional(),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).optional(),
};

/** Those of https://www.home-assistant.io/integrations/sensor/#device-class that our tests use. */
const sensorClasses = ['battery', 'duration', 'humidity', 'power', 'temperature', 'timestamp'] as const;
/** Those of https://www.home-assistant.io/integrations/binary_sensor/#device-class that our tests use. */
const binaryClasses = ['door', 'motion', 'occupancy', 'presence', 'problem', 'safety'] as const;

/** By the component in the topic of a message. */
export const discoverySchemas = {
  sensor: z
    .strictObject({
      ...common,
      state_topic: topic,
      value_template: template.optional(),
      device_class: z.enum(sensorClasses).optional(),
      state_class: z.enum(['measurement', 'measurement_angle', 'total', 'total_increasing']).optional(),
      unit_of_measurement: z.string().optional(),
      suggested_display_precision: z.number().int().nonnegative().optional(),
      expire_after: positive.optional(),
      force_update: z.boolean().optional(),
      last_reset_value_template: template.optional(),
      options: z.array(z.string()).optional(),
    })
    .refine(({ entity_category }) => entity_category !== 'config', 'the category of a sensor is diagnostic'),
  binary_sensor: z.strictObject({
    ...common,
    state_topic: topic,
    value_template: template.optional(),
    device_class: z.enum(binaryClasses).optional(),
    payload_on: z.string().optional(),
    payload_off: z.string().optional(),
    expire_after: positive.optional(),
    off_delay: positive.optional(),
    force_update: z.boolean().optional(),
  }),
  image: z
    .strictObject({
      ...common,
      image_topic: topic.optional(),
      url_topic: topic.optional(),
      content_type: z.string().optional(),
      image_encoding: z.literal('b64').optional(),
      url_template: template.optional(),
    })
    .refine(({ image_topic, url_topic }) => (image_topic === undefined) !== (url_topic === undefined), 'one of image_topic and url_topic'),
  camera: z.strictObject({ ...common, topic, image_encoding: z.literal('b64').optional() }),
  device_tracker: z
    .strictObject({
      ...common,
      state_topic: topic.optional(),
      value_template: template.optional(),
      source_type: z.enum(['gps', 'router', 'bluetooth', 'bluetooth_le']).optional(),
    })
    .refine(({ state_topic }) => state_topic === undefined, 'state_topic of trackers is deprecated, and ends with Home Assistant 2027.1')
    .refine(({ json_attributes_topic }) => json_attributes_topic !== undefined, 'one of state_topic and json_attributes_topic'),
} as const;

/** `PREFIX/COMPONENT/[NODE_ID/]OBJECT_ID/config`; both ids of letters, digits, `_` and `-`. */
export const discoveryTopic =
  /^([A-Za-z0-9_/-]+)\/(sensor|binary_sensor|image|camera|device_tracker)\/(?:([A-Za-z0-9_-]+)\/)?([A-Za-z0-9_-]+)\/config$/;

export function parseDiscovery(topicName: string, payload: string): z.infer<(typeof discoverySchemas)[keyof typeof discoverySchemas]> {
  const component = discoveryTopic.exec(topicName)?.[2] as keyof typeof discoverySchemas | undefined;
  if (component === undefined) throw new Error(`${topicName} is no discovery topic`);
  return discoverySchemas[component].parse(JSON.parse(payload));
}
