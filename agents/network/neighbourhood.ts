// The nodes between which routes are kept.

/** A node as routing sees it. */
export interface Place {
  name: string;
  ip: string;
  podCidr: string;
}

export interface Neighbourhood {
  own: Place;
  peers: readonly Place[];
}
