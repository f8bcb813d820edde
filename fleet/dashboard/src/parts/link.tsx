import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

type Native = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps | keyof ButtonProps> & { ref?: Ref<HTMLAnchorElement> };

/** A link in the text, checked against the routes that exist. */
export const TextLink = createLink(function RoutedAnchor(props: AnchorProps & Native) {
  return <Anchor {...props} />;
});

/** A link that looks like a button. */
export const ButtonLink = createLink(function RoutedButton(props: ButtonProps & Native) {
  return <Button component="a" {...props} />;
});
