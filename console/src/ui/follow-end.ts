// A list that grows at its end: it stays there as long as the reader is there.

import { type ReadonlySignal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** Distance from the end, in CSS pixels, that counts as being there. */
const NEAR_PX = 24;

/** Keeps a scrolled element at its end while `length` changes; says whether there is more below. */
export function useFollowEnd<E extends HTMLElement>(
  length: unknown,
): { ref: RefObject<E | null>; hasMore: ReadonlySignal<boolean>; onScroll: () => void; toEnd: () => void } {
  const ref = useRef<E>(null);
  const isAtEnd = useRef(true);
  const hasMore = useSignal(false);
  const toEnd = (): void => {
    const element = ref.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  const onScroll = (): void => {
    const element = ref.current;
    if (!element) return;
    isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_PX;
    if (isAtEnd.current) hasMore.value = false;
  };
  useLayoutEffect(() => {
    if (isAtEnd.current) toEnd();
    else hasMore.value = true;
  }, [length]);
  return { ref, hasMore, onScroll, toEnd };
}
