import type { Component } from '../internal/base/component.ts';
export function createNode(...args: unknown[]): { components: Component[]; ready: Promise<void> } { return { components: [], ready: Promise.resolve() }; }
