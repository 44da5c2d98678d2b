/// What `sluice completion SHELL` prints: a few lines that ask `sluice complete`, which knows the grammar and the running proxy.
package enum Completion {
    package static let shells = ["bash", "zsh", "fish"]

    package static func script(_ shell: String) -> String {
        switch shell {
        case "zsh": zsh
        case "fish": fish
        default: bash
        }
    }

    // MARK: - Private

    /// bash splits words at ":" and "=", which stand in addresses and weights: they are put together again, and taken off the answers.
    private static let bash = """
        # bash completion for sluice; load it with: source <(sluice completion bash)
        _sluice() {
            local current="${COMP_LINE:0:COMP_POINT}" word help IFS
            local -a words
            read -r -a words <<< "$current"
            [[ $current == *[[:space:]] ]] && words+=("")
            local typed="${words[${#words[@]}-1]}"
            local cut="${typed%"${typed##*[:=]}"}"
            COMPREPLY=()
            while IFS=$'\\t' read -r word help; do
                COMPREPLY+=("${word#"$cut"}")
            done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
            return 0
        }
        complete -o default -F _sluice sluice

        """

    private static let zsh = """
        #compdef sluice
        # zsh completion for sluice: as _sluice in a folder of $fpath, or: source <(sluice completion zsh)
        _sluice() {
            local line
            local -a found
            for line in "${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
                [[ -n $line ]] || continue
                found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
            done
            if (( ${#found} )); then
                _describe -o 'sluice' found
            else
                _files
            fi
        }
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
            _sluice "$@"
        else
            compdef _sluice sluice
        fi

        """

    private static let fish = """
        # fish completion for sluice; load it with: sluice completion fish | source
        function __sluice_complete
            set -l words (commandline -opc) (commandline -ct)
            command $words[1] complete -- $words[2..-1] 2>/dev/null
        end
        complete -c sluice -f -n 'count (__sluice_complete) >/dev/null' -a '(__sluice_complete)'

        """
}
