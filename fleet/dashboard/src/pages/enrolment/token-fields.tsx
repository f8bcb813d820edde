import { Checkbox, NumberInput, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';

const lives = [
  { value: '1', label: 'an hour' },
  { value: '24', label: 'a day' },
  { value: '168', label: 'a week' },
  { value: '720', label: '30 days' },
];

/** What a claim token permits. The form around them reads them by name. */
export function TokenFields() {
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      <TextInput label="Name" name="name" description="What the token is for" defaultValue="device" maxLength={100} required />
      <NumberInput
        label="Devices"
        name="uses"
        description="How many may enrol with it"
        defaultValue={1}
        min={1}
        max={100_000}
        allowDecimal={false}
      />
      <Select
        label="Valid for"
        description="After that it is worth nothing"
        data={lives}
        name="hours"
        defaultValue="24"
        allowDeselect={false}
      />
      <Select
        label="Release"
        description="What enrolled devices run at once"
        placeholder="None yet"
        clearable
        data={releases.data?.items.map(({ digest, name }) => ({ value: digest, label: name })) ?? []}
        name="release"
      />
      <TextInput label="Labels" name="labels" description="key=value, separated by spaces" placeholder="site=oslo role=gate" />
      <Checkbox
        name="requireApproval"
        label="A person lets each device in"
        description="It waits on the Devices page until then"
        mt={{ base: 0, sm: 'lg' }}
      />
      <Checkbox
        name="isInstalled"
        label="The agent is installed there already"
        description="Then the token alone is enough"
        mt={{ base: 0, sm: 'lg' }}
      />
    </SimpleGrid>
  );
}
