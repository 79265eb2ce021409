import FoundationEssentials
import Sandbox
import Workbench

/// The files of a new sandbox: a copy of an existing one, with a role and a notebook to change.
///
/// A copy and not a reference, so that every role can be changed, and the folder can be put under version control and
/// built by any `dss`.
package struct StarterSandbox: Sendable {
    /// What is copied, relative to the folder of the existing sandbox.
    package static let sources = ["sandbox.yaml", "pins.yaml", "playbook/site.yml", "playbook/roles"]
    private static let copied = ["sandbox.yaml", "pins.yaml", "playbook"]

    private let origin: String
    private let folder: String

    /// - Parameters:
    ///   - origin: the folder of the existing sandbox.
    ///   - folder: the folder of the new one.
    package init(from origin: String, in folder: String) {
        self.origin = origin
        self.folder = folder
    }

    /// Writes the files.
    /// - Throws: `Failure` if a file is in the way, before anything is written.
    package func write() throws {
        if let missing = Self.sources.first(where: { !fileExists("\(origin)/\($0)") }) {
            throw Failure(.badData, "\(origin) is not the folder of a sandbox: it has no \(missing)")
        }
        guard !fileExists("\(origin)/playbook/roles/mytools") else {
            throw Failure(
                .badData, "\(origin) has a role mytools already",
                advice: "copy another one, for example a fresh clone: --from FOLDER")
        }
        let own = ownFiles
        for name in Self.copied + own.map(\.name) where fileExists("\(folder)/\(name)") {
            throw Failure(
                .badData, "\(folder)/\(name) already exists", advice: "choose another folder, or move the file away")
        }
        let definition = renamed(try readText("\(origin)/sandbox.yaml"))
        let play = try extended(readText("\(origin)/playbook/site.yml"))
        try makeDirectory(folder)
        for name in Self.copied {
            try Self.copy("\(origin)/\(name)", to: "\(folder)/\(name)")
        }
        try writeAtomically(definition, to: "\(folder)/sandbox.yaml")
        try writeAtomically(play, to: "\(folder)/playbook/site.yml")
        for file in own {
            try makeDirectory(parentDirectory("\(folder)/\(file.name)"))
            try writeAtomically(file.text, to: "\(folder)/\(file.name)", mode: file.isProgram ? 0o755 : 0o644)
        }
    }

    /// Copies a file or a directory; of a directory, `copyItem` would copy the owner too, which only root may set.
    private static func copy(_ source: String, to target: String) throws {
        guard FileKind(of: source) == .directory else {
            return try FileManager.default.copyItem(atPath: source, toPath: target)
        }
        try makeDirectory(target)
        for name in try FileManager.default.contentsOfDirectory(atPath: source) where name != "__pycache__" {
            try copy("\(source)/\(name)", to: "\(target)/\(name)")
        }
    }

    /// The definition under the name of the folder.
    private func renamed(_ definition: String) -> String {
        let name = String(baseName(folder).filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        let isName =
            name.first.map { $0.isLetter || $0.isNumber } == true && name.last.map { "-_.".contains($0) } == false
        let comment = /^# The definition of this project's own sandbox;/.anchorsMatchLineEndings()
        return definition.replacing(comment, with: "# The definition of this sandbox;")
            .replacing(/^name: .*$/.anchorsMatchLineEndings(), with: "name: \(isName ? name : "my-sandbox")")
    }

    /// The play with the new role after all others, where a change costs least.
    private func extended(_ play: String) throws -> String {
        let tidy = /^( *)- (?:role: *)?tidy\b/.anchorsMatchLineEndings()
        guard let place = play.firstMatch(of: tidy) else {
            throw Failure(.badData, "\(origin)/playbook/site.yml has no role 'tidy', before which a role can be added")
        }
        var play = play
        play.insert(
            contentsOf: "\(place.1)- role: mytools\n\(place.1)  tags: [mytools]\n", at: place.range.lowerBound)
        return play
    }

    private struct OwnFile {
        var name: String
        var text: String
        var isProgram = false
    }

    private var ownFiles: [OwnFile] {
        let role = "playbook/roles/mytools"
        return [
            OwnFile(name: "README.md", text: Self.readme), OwnFile(name: ".gitignore", text: ".venv/\n*.qcow2\n"),
            OwnFile(name: "\(role)/defaults/main.yml", text: Self.defaults),
            OwnFile(name: "\(role)/tasks/main.yml", text: Self.tasks),
            OwnFile(name: "\(role)/files/hello", text: Self.program, isProgram: true),
            OwnFile(name: "\(role)/files.txt", text: Self.declarations),
            OwnFile(name: "playbook/roles/notebooks/files/10-my-notebook.ipynb", text: Self.notebook),
        ]
    }

    private static let readme = """
        # A data-science sandbox

        - `dss check` finds mistakes; `dss create-vm --plan` shows what a build would do.
        - `sudo dss create-vm` builds the VM images, `dss run` boots them and prints the address of JupyterLab.
        - `playbook/roles/mytools` is a role to change: packages in `defaults`, steps in `tasks`, files in `files`.
        - `playbook/roles/notebooks/files` are the notebooks; a changed notebook is the quickest build.
        - `dss pins add apt NAME` pins a Debian package, `dss pins add datascience NAME` a Python package.
        - `sandbox.yaml` has the settings; `dss definition --reference` describes them.

        """

    private static let defaults = """
        ---
        # Debian packages of this role. Each has its version in pins.yaml: dss pins add apt NAME
        mytools_packages:
          - unzip

        """

    private static let tasks = """
        ---
        - name: Install packages
          ansible.builtin.import_role:
            name: apt_packages
          vars:
            apt_packages_names: "{{ mytools_packages }}"

        - name: Install the command hello
          ansible.builtin.copy:
            src: hello
            dest: /usr/local/bin/hello
            mode: "0755"

        """

    private static let program = """
        #!/bin/sh
        echo "Hello from the role mytools"

        """

    private static let declarations = """
        # Files of this role that no package lists, for dss inspect; ~ is the home of the login user.
        /usr/local/bin/hello

        """

    private static let notebook = """
        {
         "cells": [
          {
           "cell_type": "markdown",
           "id": "title",
           "metadata": {},
           "source": ["# My notebook\\n", "\\n", "Change it, then run `sudo dss create-vm` and `dss run`."]
          },
          {
           "cell_type": "code",
           "execution_count": null,
           "id": "hello",
           "metadata": {},
           "outputs": [],
           "source": ["!hello"]
          }
         ],
         "metadata": {
          "kernelspec": {"display_name": "Python 3 (data science)", "language": "python", "name": "python3"},
          "language_info": {"name": "python"}
         },
         "nbformat": 4,
         "nbformat_minor": 5
        }

        """
}
