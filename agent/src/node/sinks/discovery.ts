import type { HomeAssistantEntity, SinkParams } from '@starling/shared';

type Params = SinkParams<'home-assistant'>;

/** Where the states of one sink are found. */
export interface StateTopics {
  availability: string;
  value: string;
  image: string;
}

export interface DiscoveryMessage {
  topic: string;
  payload: Readonly<Record<string, unknown>>;
}

const ONLINE = 'online';
const OFFLINE = 'offline';
export const availabilityPayloads = { online: ONLINE, offline: OFFLINE } as const;

export interface DiscoveryContext {
  device: string;
  /** Pipeline and node: two of one device never share a topic. */
  place: string;
  agentVersion: string;
}

/** Node names of inner pipelines have a slash, which would be a level of the topic. */
function segmentOf(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

export function stateTopics({ baseTopic }: Params, { device, place }: DiscoveryContext): StateTopics {
  const base = `${baseTopic}/${device}/${segmentOf(place)}`;
  return { availability: `${base}/availability`, value: `${base}/value`, image: `${base}/image` };
}

/**
 * What Home Assistant is told of each entity, at `PREFIX/COMPONENT/NODE_ID/OBJECT_ID/config`. All have one device, and the availability
 * of the connection of this sink. @see https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
 */
export function discoveryMessages(params: Params, context: DiscoveryContext): DiscoveryMessage[] {
  const topics = stateTopics(params, context);
  const shared = {
    availability: [{ topic: topics.availability, payload_available: ONLINE, payload_not_available: OFFLINE }],
    device: deviceBlock(params, context),
    origin: { name: 'Starling', sw_version: context.agentVersion },
  };
  const nodeId = `starling-${context.device}`;
  return Object.entries(params.entities).map(([name, entity]) => {
    const objectId = `${segmentOf(context.place)}-${name}`;
    return {
      topic: `${params.discoveryPrefix}/${entity.kind}/${nodeId}/${objectId}/config`,
      payload: withoutUndefined({
        name: entity.name ?? name,
        unique_id: `${nodeId}-${objectId}`,
        icon: entity.icon,
        entity_category: entity.category,
        ...entityFields(entity, topics),
        ...shared,
      }),
    };
  });
}

function deviceBlock({ device }: Params, context: DiscoveryContext): Record<string, unknown> {
  return withoutUndefined({
    identifiers: [`starling-${context.device}`],
    name: device.name ?? `Starling ${context.device.slice(0, 6)}`,
    manufacturer: device.manufacturer,
    model: device.model,
    suggested_area: device.area,
    sw_version: context.agentVersion,
  });
}

function entityFields(entity: HomeAssistantEntity, topics: StateTopics): Record<string, unknown> {
  switch (entity.kind) {
    case 'sensor':
      return {
        state_topic: topics.value,
        value_template: entity.valueTemplate,
        device_class: entity.deviceClass,
        state_class: entity.stateClass,
        unit_of_measurement: entity.unit,
        suggested_display_precision: entity.precision,
        expire_after: entity.expireAfterS,
        json_attributes_topic: entity.attributes ? topics.value : undefined,
      };
    case 'binary_sensor':
      return {
        state_topic: topics.value,
        value_template: entity.valueTemplate,
        payload_on: 'ON',
        payload_off: 'OFF',
        device_class: entity.deviceClass,
        expire_after: entity.expireAfterS,
        off_delay: entity.offDelayS,
      };
    case 'image':
      return { image_topic: topics.image, content_type: 'image/jpeg' };
    case 'camera':
      return { topic: topics.image };
    case 'device_tracker':
      // A state topic of trackers is deprecated: the place stands among the attributes.
      return { json_attributes_topic: topics.value, json_attributes_template: entity.attributesTemplate, source_type: 'gps' };
  }
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
