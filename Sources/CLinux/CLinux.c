// The shims are header-only; SwiftPM wants one translation unit.
