import { FaceError } from '../../errors.js'
import type { Rgba } from '../../geometry/types.js'
import { COLOURS_ALIKE, colourDistance, coloursOf } from '../look/colours.js'
import type { FlowOptions } from '../types.js'
import type { Candidate } from './candidate.js'
import { checkedChoice, chooseFace, holdsChoice, severalFaces } from './face-choice.js'
import type { FaceFinder, FoundFaces, LocatedFace } from './face-finder.js'
import { counterpart, doubt, type Match, matchPeople, type Person, placeIn } from './face-match.js'

/** A photo, what messages call it, and who looks at it: each photo has a finder of its own, so that both are searched at once. */
export interface NamedPhoto {
  readonly finder: FaceFinder
  readonly image: Rgba
  readonly name: string
}

export interface FoundPair {
  readonly a: LocatedFace
  readonly b: LocatedFace
  readonly warnings: readonly string[]
}

/** What is known of two photos of several people. */
export interface FoundPeople {
  /** The people seen in both, in the order of their size in A. */
  readonly pairs: readonly FoundPair[]
  readonly onlyA: readonly LocatedFace[]
  readonly onlyB: readonly LocatedFace[]
}

/** Runs a stage under its name in the timings. */
type Timed = <T>(stage: string, work: () => Promise<T>) => Promise<T>

/**
 * The chosen face of A and the same person's in B: by appearance and place where either photo shows several.
 * @throws FaceError NO_FACE; INVALID_INPUT; INVALID_ARGUMENT for a choice that is not there
 */
export async function findPair(
  a: NamedPhoto,
  b: NamedPhoto,
  options: Pick<FlowOptions, 'face' | 'faceB'>,
  timed: Timed,
): Promise<FoundPair> {
  const choiceA = checkedChoice(options.face, 'face')
  const choiceB = checkedChoice(options.faceB, 'faceB')
  const { inA, indexA, peopleA, inB } = await timed('detect', async () => {
    const first = (async () => {
      const found = await a.finder.search(a.image, a.name, (faces) => holdsChoice(boxesOf(faces), choiceA))
      const index = chooseFace(boxesOf(found.faces), choiceA, a.image, a.name)
      return { inA: found, indexA: index, peopleA: found.faces.map((face) => personOf(face, a.image)) }
    })()
    const second = b.finder.search(b.image, b.name, async (faces) => {
      if (choiceB !== undefined) return holdsChoice(boxesOf(faces), choiceB)
      const { peopleA: people, indexA: index } = await first
      if (people.length < 2) return faces.length > 0
      const wanted = people[index] as Person
      return faces.some(
        (face) => colourDistance(personOf(face, b.image).colours, wanted.colours) < COLOURS_ALIKE,
      )
    })
    const [ofA, found] = await bothOf(first, second)
    return { ...ofA, inB: found }
  })
  const peopleB = inB.faces.map((face) => personOf(face, b.image))
  const isGroup = peopleA.length > 1 || peopleB.length > 1
  const match =
    choiceB === undefined
      ? counterpart(peopleA, peopleB, indexA)
      : { a: indexA, b: chooseFace(boxesOf(inB.faces), choiceB, b.image, b.name), difference: 0 }
  const [foundA, foundB] = await timed('landmarks', () =>
    bothOf(
      a.finder.locate(a.image, a.name, inA.faces[indexA] as Candidate),
      b.finder.locate(b.image, b.name, inB.faces[match.b] as Candidate),
    ),
  )
  const uncertain = isGroup && choiceB === undefined ? doubt(peopleA, peopleB, match) : undefined
  return {
    a: foundA,
    b: foundB,
    warnings: [
      ...severalFaces(boxesOf(inA.faces), indexA, a.name, inA.complete),
      ...severalFaces(boxesOf(inB.faces), match.b, b.name, inB.complete),
      ...(uncertain
        ? [`${b.name}: the face taken may be of another person: ${uncertain}; choose one by number or point.`]
        : []),
      ...foundA.warnings,
      ...foundB.warnings,
    ],
  }
}

/**
 * Everybody whose face both photos show.
 * @throws FaceError NO_FACE if a photo shows no face, or no person is in both; INVALID_INPUT
 */
export async function findPeople(a: NamedPhoto, b: NamedPhoto, timed: Timed): Promise<FoundPeople> {
  const all = () => false
  const [inA, inB] = await timed('detect', () =>
    bothOf(a.finder.search(a.image, a.name, all), b.finder.search(b.image, b.name, all)),
  )
  const peopleA = inA.faces.map((face) => personOf(face, a.image))
  const peopleB = inB.faces.map((face) => personOf(face, b.image))
  // One face each: two photos of one person, or of two that somebody wants to compare.
  const isGroup = peopleA.length > 1 || peopleB.length > 1
  const matches = matchPeople(peopleA, peopleB).filter(
    ({ difference }) => !isGroup || difference <= COLOURS_ALIKE,
  )
  if (matches.length === 0) {
    const [best] = matchPeople(peopleA, peopleB) as [Match]
    throw new FaceError(
      'NO_FACE',
      `${b.name}: none of its ${peopleB.length} face(s) is of a person in ${a.name} (least difference ` +
        `${best.difference.toFixed(2)}, needed ${COLOURS_ALIKE}); choose the two faces by number or point`,
      { photo: b.name, difference: best.difference, limit: COLOURS_ALIKE },
    )
  }
  const locateAll = async (photo: NamedPhoto, { faces }: FoundFaces): Promise<LocatedFace[]> => {
    const located: LocatedFace[] = []
    for (const face of faces) located.push(await photo.finder.locate(photo.image, photo.name, face))
    return located
  }
  const [facesA, facesB] = await timed('landmarks', () => bothOf(locateAll(a, inA), locateAll(b, inB)))
  const pairs = [...matches]
    .sort((p, q) => p.a - q.a)
    .map((match): FoundPair => {
      const [foundA, foundB] = [facesA[match.a] as LocatedFace, facesB[match.b] as LocatedFace]
      const uncertain = isGroup ? doubt(peopleA, peopleB, match) : undefined
      return {
        a: foundA,
        b: foundB,
        warnings: [
          ...(uncertain ? [`${b.name}: the face taken may be of another person: ${uncertain}.`] : []),
          ...foundA.warnings,
          ...foundB.warnings,
        ],
      }
    })
  const left = (faces: readonly LocatedFace[], side: 'a' | 'b') =>
    faces.filter((_, index) => matches.every((match) => match[side] !== index))
  return { pairs, onlyA: left(facesA, 'a'), onlyB: left(facesB, 'b') }
}

/** Both results; where both fail, the error of the first. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  second.catch(() => undefined)
  // Not before both have ended: the next call has the networks then.
  const a = await first.finally(() => second.catch(() => undefined))
  return [a, await second]
}

function personOf({ landmarks, box }: Candidate, photo: Rgba): Person {
  return { colours: coloursOf(photo, landmarks.mesh), place: placeIn(box, photo) }
}

const boxesOf = (faces: readonly Candidate[]) => faces.map(({ box }) => box)
