import { Checkbox, NumberInput, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { read } from '../../data/queries.ts';

const lives = [
  { value: '1', label: 'an hour' },
  { value: '24', label: 'a day' },
  { value: '168', label: 'a week' },
  { value: '720', label: '30 days' },
];

interface TokenFieldsProps {
  /** What the token is called if nobody says otherwise, and how long it lives. */
  name: string;
  hours: string;
  /** Fields of one way in alone. */
  children?: ReactNode;
}

/** What a claim token permits. The form around them reads them by name. */
export function TokenFields({ name, hours, children }: TokenFieldsProps) {
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  /** Undefined until somebody has chosen. */
  const [chosen, setChosen] = useState<string | null>();
  const items = releases.data?.items ?? [];
  // With one release there is hardly a question which; a device without one sees nothing.
  const [sole] = items.length === 1 ? items : [];
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      <TextInput label="Name" name="name" description="What the token is for" defaultValue={name} maxLength={100} required />
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
        defaultValue={hours}
        allowDeselect={false}
      />
      <Select
        label="Release"
        description="What enrolled devices run at once; without one they wait"
        placeholder="None yet"
        clearable
        data={items.map(({ digest, name }) => ({ value: digest, label: name }))}
        value={chosen === undefined ? (sole?.digest ?? null) : chosen}
        onChange={setChosen}
        name="release"
      />
      <TextInput label="Labels" name="labels" description="key=value, separated by spaces" placeholder="site=oslo role=gate" />
      <Checkbox
        name="requireApproval"
        label="A person lets each device in"
        description="It waits on the Devices page until then"
        mt={{ base: 0, sm: 'lg' }}
      />
      {children}
    </SimpleGrid>
  );
}
