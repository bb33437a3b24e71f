from sequin_admin.command_line.program import main

main()
